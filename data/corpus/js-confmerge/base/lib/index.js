'use strict'

const { merge, set } = require('./merge')

// The settings of several layers, later ones over earlier ones. A layer's `+` is a list of
// assignments such as "log.level=debug".
function layered (layers) {
  let config = {}
  for (const { '+': assignments = [], ...layer } of layers) {
    config = merge(config, layer)
    for (const assignment of assignments) {
      const at = assignment.indexOf('=')
      if (at < 1) throw new SyntaxError(`no assignment: ${assignment}`)
      set(config, assignment.slice(0, at), assignment.slice(at + 1))
    }
  }
  return config
}

module.exports = { layered, merge, set }
