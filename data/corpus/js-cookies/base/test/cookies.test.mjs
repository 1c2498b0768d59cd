import assert from 'node:assert'
import test from 'node:test'
import { parse, serialise } from '../cookies.mjs'

test('two cookies', () => {
  assert.deepStrictEqual([...parse('a=1; b=2')], [['a', '1'], ['b', '2']])
})

test('the first of a name', () => {
  assert.strictEqual(parse('a=1; a=2').get('a'), '1')
})

test('quotes', () => {
  assert.strictEqual(parse('a="x y"').get('a'), 'x y')
})

test('encoded', () => {
  assert.strictEqual(parse('a=%C3%A9%3B').get('a'), 'é;')
})

test('parts without a sign', () => {
  assert.strictEqual(parse('a; =1; ;b=').size, 1)
})

test('serialise', () => {
  assert.strictEqual(serialise('a', 'x;y', { maxAge: 60, secure: true }), 'a=x%3By; Max-Age=60; Secure')
})

test('bad names and ages', () => {
  assert.throws(() => serialise('a b', ''), TypeError)
  assert.throws(() => serialise('a', '', { maxAge: 1.5 }), TypeError)
})
