'use strict'

function isBranch (value) {
  return (typeof value === 'object' && value !== null && !Array.isArray(value)) ||
    typeof value === 'function'
}

// Copies what `from` holds into `into`, branch by branch. Lists and plain values are replaced;
// null removes a key.
function merge (into, from) {
  for (const key of Object.keys(from)) {
    const value = from[key]
    if (value === null) {
      delete into[key]
    } else if (isBranch(value)) {
      if (!isBranch(into[key])) into[key] = {}
      merge(into[key], value)
    } else {
      into[key] = value
    }
  }
  return into
}

// Sets one value by its path, with dots between the keys.
function set (config, path, value) {
  const keys = path.split('.')
  const last = keys.pop()
  let branch = config
  for (const key of keys) {
    if (!isBranch(branch[key])) branch[key] = {}
    branch = branch[key]
  }
  branch[last] = value
  return config
}

module.exports = { merge, set }
