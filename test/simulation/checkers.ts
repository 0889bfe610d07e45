import { violated } from '@seaworthy/simulation'

/** Something that belongs to a key, such as an event or what came of it. */
export interface Keyed {
  readonly key: string
  readonly id: string
}

/** Nothing is lost: all that was promised is there. */
export function noneLost(what: string, promised: Iterable<string>, there: Iterable<string>): void {
  const found = new Set(there)
  for (const id of promised) if (!found.has(id)) violated(`${what} ${id} is lost.`)
}

/** Nothing happened twice. */
export function noneTwice(what: string, ids: Iterable<string>): void {
  const seen = new Set<string>()
  for (const id of ids) {
    if (seen.has(id)) violated(`${what} ${id} is there twice.`)
    seen.add(id)
  }
}

/** Nothing is there that nobody caused. */
export function noneInvented(what: string, there: Iterable<string>, caused: Iterable<string>): void {
  const known = new Set(caused)
  for (const id of there) if (!known.has(id)) violated(`${what} ${id} is there, and nothing caused it.`)
}

/** Each key's arrivals come in the order of their causes. Says nothing of what is missing or doubled. */
export function orderKept(what: string, arrived: readonly Keyed[], caused: readonly Keyed[]): void {
  const place = new Map(caused.map(({ id }, index) => [id, index]))
  const last = new Map<string, Keyed>()
  for (const item of arrived) {
    const before = last.get(item.key)
    if (before !== undefined && place.get(item.id)! < place.get(before.id)!) {
      violated(`${what} ${item.id} came after ${before.id}, which is later among those of ${item.key}.`)
    }
    last.set(item.key, item)
  }
}

/** A sum stays what it was: money, stock. */
export function conserved(what: string, sum: number, expected: number): void {
  if (sum !== expected) violated(`${what}: ${sum} is there, and ${expected} should be.`)
}

/** Numbers never go back. */
export function neverBack(what: string, numbers: readonly number[]): void {
  for (const [index, number] of numbers.entries()) {
    const before = numbers[index - 1]
    if (before !== undefined && number < before) violated(`${what} went back from ${before} to ${number}.`)
  }
}
