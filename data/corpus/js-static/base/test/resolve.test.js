import assert from 'node:assert'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { answer } from '../src/resolve.js'

let root

before(() => {
  root = mkdtempSync(path.join(tmpdir(), 'static-'))
  mkdirSync(path.join(root, 'docs'))
  writeFileSync(path.join(root, 'index.html'), 'home')
  writeFileSync(path.join(root, 'docs', 'index.html'), 'docs')
  writeFileSync(path.join(root, 'a b.txt'), 'spaces')
})

after(() => rmSync(root, { recursive: true }))

test('a file', () => {
  assert.deepStrictEqual(answer(root, '/index.html'), { status: 200, type: 'text/html', body: 'home' })
})

test('a folder', () => {
  assert.strictEqual(answer(root, '/docs/').body, 'docs')
  assert.strictEqual(answer(root, '/').body, 'home')
})

test('an encoded name', () => {
  assert.strictEqual(answer(root, '/a%20b.txt').body, 'spaces')
})

test('a query is no part of the name', () => {
  assert.strictEqual(answer(root, '/index.html?x=/y').body, 'home')
})

test('missing', () => {
  assert.strictEqual(answer(root, '/none.txt').status, 404)
})

test('bad requests', () => {
  assert.strictEqual(answer(root, 'index.html').status, 400)
  assert.strictEqual(answer(root, '/%zz').status, 400)
  assert.strictEqual(answer(root, '/a%00b').status, 400)
})
