'use strict'

const { lookup } = require('./lookup')

const PLACE = /\{\{\s*(>?)\s*([\w.-]+)\s*(?:\|\s*(\w+)\s*)?\}\}/
const PASSES_MAX = 1000

const FILTERS = {
  upper: value => value.toUpperCase(),
  lower: value => value.toLowerCase(),
  trim: value => value.trim()
}

function filtered (value, name) {
  if (name === undefined) return value
  if (!Object.hasOwn(FILTERS, name)) throw new RangeError(`no filter ${name}`)
  return FILTERS[name](value)
}

// Fills in a template: {{ path }} is a value, {{ path | filter }} a changed one, {{> name }} is
// another template, which has places of its own. A value that is not there is left out.
function render (template, values, partials = {}) {
  let text = template
  for (let pass = 0; pass < PASSES_MAX; pass++) {
    const found = PLACE.exec(text)
    if (!found) return text
    const [whole, isPartial, path, filter] = found
    const value = isPartial ? partials[path] ?? '' : String(lookup(values, path) ?? '')
    text = text.slice(0, found.index) + filtered(value, filter) +
      text.slice(found.index + whole.length)
  }
  throw new RangeError('the template has no end')
}

module.exports = { render }
