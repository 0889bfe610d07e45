import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto'
import type { Random } from 'seaworthy/core'

/**
 * A value that was encrypted under the keys of its subjects by AES-256-GCM. `$sealed` is base64url of nonce (12 bytes), ciphertext and tag (16 bytes).
 * Its length tells the length of the value.
 */
export interface Sealed {
  readonly $sealed: string
  readonly subjects: readonly string[]
}

/** What a sealed value belongs to. It opens nowhere else: what was copied to another event, field or subject does not decrypt. */
export type SealedPlace =
  | { readonly kind: 'field'; readonly subject: string; readonly eventId: string; readonly field: string }
  | { readonly kind: 'snapshot'; readonly stream: string; readonly version: number; readonly schemaVersion: number }

export const SUBJECT_KEY_BYTES = 32
const NONCE_BYTES = 12
const TAG_BYTES = 16

/** Encrypts a JSON-able value. The nonce is random, as NIST SP 800-38D, 8.2.2, has it: good for 2^32 values under one key. */
export function seal(value: unknown, place: SealedPlace, keys: ReadonlyMap<string, Uint8Array>, random: Random): Sealed {
  const nonce = random.fill(new Uint8Array(NONCE_BYTES))
  const cipher = createCipheriv('aes-256-gcm', keyOf(keys), nonce).setAAD(associated(place))
  const bytes = Buffer.concat([nonce, cipher.update(JSON.stringify(value), 'utf8'), cipher.final(), cipher.getAuthTag()])
  return { $sealed: bytes.toString('base64url'), subjects: [...keys.keys()] }
}

/** The value again. @throws Error when it was changed, moved, or sealed under other keys */
export function unseal(sealed: Sealed, place: SealedPlace, keys: ReadonlyMap<string, Uint8Array>): unknown {
  const bytes = Buffer.from(sealed.$sealed, 'base64url')
  const decipher = createDecipheriv('aes-256-gcm', keyOf(keys), bytes.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES })
    .setAAD(associated(place))
    .setAuthTag(bytes.subarray(-TAG_BYTES))
  const text = Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()])
  return JSON.parse(text.toString('utf8'))
}

export function isSealed(value: unknown): value is Sealed {
  return typeof value === 'object' && value !== null && '$sealed' in value && 'subjects' in value && Array.isArray(value.subjects)
}

/** Of several subjects all keys are needed: when one is gone, so is the value. */
function keyOf(keys: ReadonlyMap<string, Uint8Array>): Uint8Array {
  const [first, ...more] = keys.values()
  if (first !== undefined && more.length === 0) return first
  const all = Buffer.concat([...keys].toSorted(([one], [other]) => (one < other ? -1 : 1)).map(([, key]) => key))
  return new Uint8Array(hkdfSync('sha256', all, '', 'seaworthy.sealed.several-subjects', SUBJECT_KEY_BYTES))
}

/** As JSON, so that no two places have one text. */
function associated(place: SealedPlace): Buffer {
  const { kind } = place
  const parts =
    kind === 'field' ? [kind, place.subject, place.eventId, place.field] : [kind, place.stream, place.version, place.schemaVersion]
  return Buffer.from(JSON.stringify(parts))
}
