import { InvalidInputError } from 'seaworthy/core'
import type { SideName } from './mapping.ts'
import type { Ownership } from './ownership.ts'

/** Where somebody has written last, so that he can be kept from reading what is older. */
export interface WriteToken {
  readonly side: SideName
  /** Of the side's own changes, one at or after the write. */
  readonly position: number
}

export function formatToken({ side, position }: WriteToken): string {
  return `${side}.${position}`
}

/** @throws InvalidInputError */
export function parseToken(text: string): WriteToken {
  const match = /^(old|new)\.(\d{1,16})$/.exec(text)
  if (match === null)
    throw new InvalidInputError('A token is what the cut-over handed out after a write, such as new.42.', [
      { field: 'token', message: text },
    ])
  return { side: match[1] as SideName, position: Number(match[2]) }
}

export interface ReadQuestion {
  readonly ownership: Ownership
  /** How far the feed into each side has come, in the changes of the other; -1 while that side is copied. */
  readonly fed: Readonly<Record<SideName, number>>
  /** Where the reader would go if nothing spoke against it. */
  readonly wish: SideName
  readonly token: WriteToken | undefined
}

/** Where a read goes: as wished, but not to a side that misses what the reader has written. */
export function readerOf({ ownership, fed, wish, token }: ReadQuestion): SideName {
  const { phase } = ownership
  // Nothing is fed back any more.
  if (phase === 'retired') return 'new'
  if (token === undefined || token.side === wish) return wish
  return fed[wish] >= token.position ? wish : token.side
}
