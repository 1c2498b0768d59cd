const COOKIES_MAX = 100

function decoded (text) {
  return text.includes('%') ? decodeURIComponent(text) : text
}

function unquoted (text) {
  return /^".*"$/.test(text) ? text.slice(1, -1) : text
}

// The cookies of a request's header, the first of each name.
export function parse (header) {
  const cookies = new Map()
  for (const part of header.split(';').slice(0, COOKIES_MAX)) {
    const at = part.indexOf('=')
    if (at < 0) continue
    const name = decoded(part.slice(0, at).trim())
    if (name === '' || cookies.has(name)) continue
    cookies.set(name, decoded(unquoted(part.slice(at + 1).trim())))
  }
  return cookies
}

const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/

// A header that sets a cookie.
export function serialise (name, value, { maxAge, path, secure = false } = {}) {
  if (!NAME.test(name)) throw new TypeError(`no name for a cookie: ${name}`)
  const parts = [`${name}=${encodeURIComponent(value)}`]
  if (maxAge !== undefined) {
    if (!Number.isInteger(maxAge)) throw new TypeError('maxAge is in whole seconds')
    parts.push(`Max-Age=${maxAge}`)
  }
  if (path !== undefined) parts.push(`Path=${path}`)
  if (secure) parts.push('Secure')
  return parts.join('; ')
}
