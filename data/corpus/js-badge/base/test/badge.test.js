'use strict'

const assert = require('node:assert')
const test = require('node:test')
const { badge, row, text } = require('../badge.js')

test('a badge', () => {
  assert.strictEqual(badge({ label: 'build', value: 'passing' }),
    '<span class="badge"><b>build</b><i class="green">passing</i></span>')
})

test('another value is blue', () => {
  assert.match(badge({ label: 'size', value: '3 KiB' }), /class="blue">3 KiB</)
})

test('a link', () => {
  assert.match(badge({ label: 'a', value: 'b', link: '/ci?x=1&y=2' }), /<a href="\/ci\?x=1&amp;y=2">/)
})

test('no link to anything else', () => {
  assert.doesNotMatch(badge({ label: 'a', value: 'b', link: 'javascript:x' }), /<a/)
})

test('a title', () => {
  assert.match(badge({ label: 'a', value: 'b', title: 'last run' }), / title='last run'>/)
})

test('entities stay', () => {
  assert.strictEqual(text('R&D &copy; x'), 'R&amp;D &copy; x')
})

test('a row', () => {
  assert.match(row([{ label: 'a', value: 1 }, { label: 'b', value: 2 }]), /^<p><span.*<\/span> <span.*<\/p>$/)
})
