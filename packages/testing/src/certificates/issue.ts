import { createPrivateKey, generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import { isIPv4 } from 'node:net'
import { bits, integer, octets, oid, sequence, set, tagged, time, utf8, yes } from './der.ts'

/** A certificate and its key, both in PEM. */
export interface IssuedCertificate {
  readonly cert: string
  readonly key: string
}

export interface IssueOptions {
  /** DNS names, such as `*.shop.example`, and IPv4 addresses that it is for. */
  readonly names: readonly string[]
  /** Default: it is signed by itself, and may sign others. */
  readonly issuer?: IssuedCertificate & { readonly name: string }
}

const ECDSA_WITH_SHA256 = sequence(oid('1.2.840.10045.4.3.2'))
const COMMON_NAME = oid('2.5.4.3')
const SUBJECT_ALT_NAME = oid('2.5.29.17')
const BASIC_CONSTRAINTS = oid('2.5.29.19')
const SERIAL_BYTES = 12
const VALID_FROM = new Date('2020-01-01T00:00:00Z')
const VALID_UNTIL = new Date('2120-01-01T00:00:00Z')

/** Makes a certificate (RFC 5280, version 3) of an elliptic-curve key. The first of the names is also its subject. */
export function issueCertificate({ names, issuer }: IssueOptions): IssuedCertificate {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
  const [subject = ''] = names
  const body = sequence(
    tagged(0xa0, integer(Buffer.of(2))),
    integer(Buffer.concat([Buffer.of(0x2a), randomBytes(SERIAL_BYTES)])),
    ECDSA_WITH_SHA256,
    commonName(issuer?.name ?? subject),
    sequence(time(VALID_FROM), time(VALID_UNTIL)),
    commonName(subject),
    publicKey.export({ type: 'spki', format: 'der' }),
    tagged(0xa3, sequence(altNames(names), ...(issuer === undefined ? [authority] : []))),
  )
  const signature = sign('sha256', body, createPrivateKey(issuer?.key ?? key))
  return { key, cert: pem(sequence(body, ECDSA_WITH_SHA256, bits(signature))) }
}

const authority = sequence(BASIC_CONSTRAINTS, yes, octets(sequence(yes)))

const commonName = (name: string): Buffer => sequence(set(sequence(COMMON_NAME, utf8(name))))

function altNames(names: readonly string[]): Buffer {
  const general = names.map((name) =>
    isIPv4(name) ? tagged(0x87, Buffer.from(name.split('.').map(Number))) : tagged(0x82, Buffer.from(name, 'latin1')),
  )
  return sequence(SUBJECT_ALT_NAME, octets(sequence(...general)))
}

const pem = (der: Buffer): string =>
  `-----BEGIN CERTIFICATE-----\n${der
    .toString('base64')
    .match(/.{1,64}/g)!
    .join('\n')}\n-----END CERTIFICATE-----\n`
