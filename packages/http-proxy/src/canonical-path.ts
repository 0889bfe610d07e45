import { InvalidInputError } from 'seaworthy/core'

// Visible ASCII without `#`: what may stand in an origin-form request target (RFC 9112, section 3.2.1).
const TARGET = /^\/[!-"$-~]*$/
// Most paths: nothing to decode, nothing that could be read differently. A leading dot is looked at more closely.
const PLAIN_PATH = /^\/(?:[\w~-][\w.~-]*\/)*(?:[\w~-][\w.~-]*)?$/

/**
 * The segments of a request target's path, decoded: what routes are matched on. Two programs may read one path
 * differently: one resolves `..` or decodes `%2f` before it routes, the other after. A path on which they could
 * disagree would let a request through to what its route forbids, so it is refused.
 * @throws InvalidInputError
 */
export function canonicalSegments(target: string): readonly string[] {
  const end = target.indexOf('?')
  const path = end === -1 ? target : target.slice(0, end)
  if (PLAIN_PATH.test(path) && (end === -1 || TARGET.test(target))) return path.slice(1).split('/')
  if (!TARGET.test(target)) throw refusal('is not a path in visible ASCII characters')
  const raw = target.slice(1).split('?', 1)[0]!.split('/')
  return raw.map((segment, index) => {
    // Only the last may be empty: a trailing slash, or the root.
    if (segment === '' && index < raw.length - 1) throw refusal('has two slashes in a row')
    return decodedSegment(segment)
  })
}

function decodedSegment(raw: string): string {
  const decoded = decodedStrictly(raw)
  refuseAmbiguous(raw)
  refuseAmbiguous(decoded)
  // An upstream may decode once too often: what is dangerous only then is refused as well.
  let before = decoded
  for (let again = decodedLeniently(before); again !== before; again = decodedLeniently(before)) {
    refuseAmbiguous(again)
    before = again
  }
  return decoded
}

function refuseAmbiguous(segment: string): void {
  if (segment === '.' || segment === '..') throw refusal('has a dot segment')
  for (const character of segment) {
    if (character < ' ' || '/\\;\u007f'.includes(character))
      throw refusal(`has ${JSON.stringify(character)} in a segment, plain or encoded`)
  }
}

function decodedStrictly(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw refusal('has a percent-encoding that is not valid UTF-8')
  }
}

/** Decodes ASCII, which is all that can be dangerous, and leaves malformed sequences as they are. */
function decodedLeniently(text: string): string {
  return text.replaceAll(/%([0-7][0-9a-f])/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}

function refusal(why: string): InvalidInputError {
  return new InvalidInputError(`The path of the request ${why}. It is not forwarded, because two programs could read it differently.`)
}
