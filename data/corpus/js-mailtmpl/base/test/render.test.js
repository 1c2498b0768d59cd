'use strict'

const assert = require('node:assert')
const test = require('node:test')
const { render } = require('..')

test('values', () => {
  assert.strictEqual(render('Hello {{ user.name }}!', { user: { name: 'Ann' } }), 'Hello Ann!')
})

test('a value that is not there', () => {
  assert.strictEqual(render('[{{ user.name }}]', {}), '[]')
})

test('numbers', () => {
  assert.strictEqual(render('{{n}} of {{m}}', { n: 0, m: 12 }), '0 of 12')
})

test('filters', () => {
  assert.strictEqual(render('{{ a | upper }}{{ a|lower }}', { a: 'xY' }), 'XYxy')
  assert.throws(() => render('{{ a | shout }}', { a: 'x' }), RangeError)
})

test('a partial with places of its own', () => {
  assert.strictEqual(render('a {{> sign }}', { by: 'Bo' }, { sign: '-- {{ by }}' }), 'a -- Bo')
})

test('a partial in a partial', () => {
  assert.strictEqual(render('{{> a }}', { x: 1 }, { a: '<{{> b }}>', b: '{{ x }}' }), '<1>')
})

test('a partial that holds itself', () => {
  assert.throws(() => render('{{> a }}', {}, { a: 'x{{> a }}' }), RangeError)
})

test('text that is no place', () => {
  assert.strictEqual(render('{ {a} } {{ }}', { a: 1 }), '{ {a} } {{ }}')
})
