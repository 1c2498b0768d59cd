// Shows what a server would make of the Cookie headers in a file, one a line.
import { readFileSync } from 'node:fs'
import { parse } from './cookies.mjs'

for (const header of readFileSync(process.argv[2], 'utf8').split('\n').slice(0, 1000)) {
  if (header !== '') console.log([...parse(header)])
}
