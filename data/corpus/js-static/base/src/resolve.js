import { readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import { typeOf } from './types.js'

const URL_MAX = 2048

// The part of a request's URL that names a file; null where it cannot be decoded.
function wanted (url) {
  if (url.length > URL_MAX || !url.startsWith('/')) return null
  try {
    return decodeURIComponent(url.split(/[?#]/, 1)[0]).replaceAll('\\', '/')
  } catch {
    return null
  }
}

// What a server of a folder's files answers to a URL.
export function answer (root, url) {
  const name = wanted(url)
  if (name === null || name.includes('\0')) return { status: 400 }
  let file = path.join(root, name)
  try {
    if (statSync(file).isDirectory()) file = path.join(file, 'index.html')
    return { status: 200, type: typeOf(file), body: readFileSync(file, 'utf8') }
  } catch {
    return { status: 404 }
  }
}
