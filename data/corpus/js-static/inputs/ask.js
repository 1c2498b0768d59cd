'use strict'
// Asks for URLs in a folder of its own; exits with 42 if a file from outside is given away.

const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')

async function main () {
  const { answer } = await import(path.join(process.cwd(), 'src', 'resolve.js'))
  const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'ask-'))
  const write = (name, text) => {
    fs.mkdirSync(path.dirname(path.join(scratch, name)), { recursive: true })
    fs.writeFileSync(path.join(scratch, name), text)
  }
  write('public/index.html', 'home')
  write('public/docs/v1..v2.txt', 'versions')
  write('public/..notes.txt', 'notes')
  write('public/docs/index.html', 'docs')
  write('secret.txt', 'SECRET')
  write('public-old/secret.txt', 'SECRET')
  let red = false
  for (const url of fs.readFileSync(process.argv[2], 'utf8').split('\n').filter(Boolean)) {
    const { status, type = '', body = '' } = answer(path.join(scratch, 'public'), url)
    console.log(status, type, body)
    red ||= body.includes('SECRET')
  }
  fs.rmSync(scratch, { recursive: true })
  process.exitCode = red ? 42 : 0
}

main()
