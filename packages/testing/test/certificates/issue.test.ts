import assert from 'node:assert/strict'
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { test } from 'node:test'
import { issueCertificate } from '@seaworthy/testing/certificates'

test('an issued certificate is for its names, and signed by its issuer', () => {
  const authority = issueCertificate({ names: ['ca.example'] })
  const issued = issueCertificate({ names: ['shop.example', '*.shop.example', '127.0.0.1'], issuer: { ...authority, name: 'ca.example' } })
  const [ca, leaf] = [new X509Certificate(authority.cert), new X509Certificate(issued.cert)]
  assert.equal(ca.ca, true)
  assert.equal(leaf.ca, false)
  assert.equal(leaf.checkIssued(ca), true)
  assert.equal(leaf.verify(ca.publicKey), true)
  assert.equal(leaf.verify(leaf.publicKey), false)
  assert.equal(leaf.checkHost('eu.shop.example'), '*.shop.example')
  assert.equal(leaf.checkHost('other.example'), undefined)
  assert.equal(leaf.checkIP('127.0.0.1'), '127.0.0.1')
  assert.equal(leaf.checkPrivateKey(createPrivateKey(issued.key)), true)
})
