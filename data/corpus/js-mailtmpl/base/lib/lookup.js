'use strict'

// The value at a path such as "user.name"; undefined where there is none.
function lookup (values, path) {
  let value = values
  for (const key of path.split('.')) {
    if (value === null || typeof value !== 'object' || !Object.hasOwn(value, key)) return undefined
    value = value[key]
  }
  return value
}

module.exports = { lookup }
