const TYPES = {
  css: 'text/css',
  html: 'text/html',
  js: 'text/javascript',
  txt: 'text/plain'
}

export function typeOf (name) {
  const dot = name.lastIndexOf('.')
  return TYPES[name.slice(dot + 1).toLowerCase()] ?? 'application/octet-stream'
}
