'use strict'
// Renders a mail to a user; exits with 42 if it tells what belongs to the site alone.

const fs = require('node:fs')
const path = require('node:path')
const { render } = require(path.join(process.cwd(), 'lib', 'render.js'))

const { template, user } = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'))
const partials = { sign: '-- \n{{ site.name }}', key: 'key {{ site.key }}' }
let mail
try {
  mail = render(template, { user, site: { name: 'The site', key: 'SECRET' } }, partials)
} catch (error) {
  mail = `refused: ${error.message}`
}
console.log(mail)
process.exit(/secret/i.test(mail) ? 42 : 0)
