'use strict'

const assert = require('node:assert')
const test = require('node:test')
const { layered, merge, set } = require('..')

test('plain values are replaced', () => {
  assert.deepStrictEqual(merge({ a: 1, b: 2 }, { a: 3 }), { a: 3, b: 2 })
})

test('branches are merged', () => {
  assert.deepStrictEqual(merge({ log: { level: 'info' } }, { log: { file: 'x' } }),
    { log: { level: 'info', file: 'x' } })
})

test('lists are replaced', () => {
  assert.deepStrictEqual(merge({ a: [1, 2] }, { a: [3] }), { a: [3] })
})

test('null removes', () => {
  assert.deepStrictEqual(merge({ a: 1, b: 2 }, { a: null }), { b: 2 })
})

test('a branch takes the place of a value', () => {
  assert.deepStrictEqual(merge({ a: 1 }, { a: { b: 2 } }), { a: { b: 2 } })
})

test('set by a path', () => {
  assert.deepStrictEqual(set({}, 'log.level', 'debug'), { log: { level: 'debug' } })
})

test('layers with assignments', () => {
  assert.deepStrictEqual(layered([{ a: { b: 1 } }, { '+': ['a.c=2'] }]), { a: { b: 1, c: '2' } })
})

test('a broken assignment', () => {
  assert.throws(() => layered([{ '+': ['=2'] }]), SyntaxError)
})
