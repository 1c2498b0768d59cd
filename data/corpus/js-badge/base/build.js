'use strict'
// Writes dist/badge.min.js: badge.js without comments and indentation.

const fs = require('node:fs')

const source = fs.readFileSync('badge.js', 'utf8')
const lines = source.split('\n').map(line => line.trim()).filter(line => line && !line.startsWith('//'))
fs.mkdirSync('dist', { recursive: true })
fs.writeFileSync('dist/badge.min.js', '// Made by build.js; do not edit.\n' + lines.join('\n') + '\n')
