import assert from 'node:assert/strict'
import { test } from 'node:test'
import { yaml } from '../../src/monitoring/yaml.ts'

test('maps, lists and scalars are written in block style, and strings quoted where they could mean something else', () => {
  const document = {
    groups: [
      { name: 'shop-services', rules: [{ alert: 'Down', expr: 'up{a="b"} == 0', for: '1m', labels: { severity: 'page' } }] },
      { name: "it's", empty: [], none: {}, absent: undefined },
    ],
    words: ['plain word', 'yes', '12', 'a: b', '', 'two\nlines'],
    number: 0.5,
    bool: true,
  }
  assert.equal(
    yaml(document),
    `groups:
  - name: shop-services
    rules:
      - alert: Down
        expr: 'up{a="b"} == 0'
        for: '1m'
        labels:
          severity: page
  - name: 'it''s'
    empty: []
    none: {}
words:
  - plain word
  - 'yes'
  - '12'
  - 'a: b'
  - ''
  - "two\\nlines"
number: 0.5
bool: true
`,
  )
})
