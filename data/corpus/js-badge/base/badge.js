'use strict'

const COLOURS = { passing: 'green', failing: 'red', unknown: 'grey' }

// Text for HTML: an ampersand that begins no entity becomes one.
function text (value) {
  return String(value).replace(/&(?![a-z]+;|#[0-9]+;)/g, '&amp;')
}

function attribute (name, value, quote = '"') {
  return value === undefined ? '' : ` ${name}=${quote}${text(value)}${quote}`
}

// A link goes to a page of the web or of the site itself.
function isLink (link) {
  return typeof link === 'string' && /^(https?:\/\/|\/(?!\/))/.test(link)
}

// One badge: a label and a value, with a title and a link where there are any.
function badge ({ label, value, title, link }) {
  const colour = COLOURS[value] ?? 'blue'
  const inner = `<b>${text(label)}</b><i class="${colour}">${text(value)}</i>`
  const shown = isLink(link) ? `<a${attribute('href', link)}>${inner}</a>` : inner
  return `<span class="badge"${attribute('title', title, '\'')}>${shown}</span>`
}

// A row of badges.
function row (badges) {
  return `<p>${badges.slice(0, 50).map(badge).join(' ')}</p>`
}

module.exports = { badge, row, text }
