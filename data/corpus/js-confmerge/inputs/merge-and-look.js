'use strict'
// Merges the layers in a file; exits with 42 if a new object has keys that nobody gave it.

const fs = require('node:fs')
const path = require('node:path')
const { layered } = require(path.join(process.cwd(), 'lib', 'index.js'))

const layers = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'))
let said
try {
  said = JSON.stringify(layered(layers))
} catch (error) {
  said = `refused: ${error.message}`
}
const fresh = {}
const strange = []
for (const key in fresh) strange.push(key)
console.log(said)
process.exit(strange.length > 0 ? 42 : 0)
