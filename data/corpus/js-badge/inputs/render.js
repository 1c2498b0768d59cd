'use strict'
// Renders the badges in a file; exits with 42 if there is a tag or an attribute that no badge has.

const fs = require('node:fs')
const path = require('node:path')
const { row } = require(path.join(process.cwd(), 'badge.js'))

const html = row(JSON.parse(fs.readFileSync(process.argv[2], 'utf8')))
console.log(html)
const tag = /<(\/?)([^\s>/]*)((?:\s+[^\s=>]+=(?:"[^"]*"|'[^']*'))*)\s*>/g
const known = { p: [], span: ['class', 'title'], b: [], i: ['class'], a: ['href'] }
let red = false
const rest = html.replace(tag, (whole, closing, name, attributes) => {
  const names = [...attributes.matchAll(/\s([^\s=]+)=(?:"[^"]*"|'[^']*')/g)].map(found => found[1])
  red ||= !(name in known) || names.some(one => !known[name].includes(one))
  return ''
})
process.exit(red || /[<>]/.test(rest) ? 42 : 0)
