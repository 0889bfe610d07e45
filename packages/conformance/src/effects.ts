interface Effect {
  readonly id: string
  readonly key: string
  readonly number: number
}

/** Effects that happened more than once, in words. */
export function repeatedEffects(effects: readonly Effect[]): string | undefined {
  const seen = new Set<string>()
  const repeated = effects.filter(({ id }) => seen.size === seen.add(id).size)
  const [first] = repeated
  return first && `${repeated.length} effects happened again: the first is that of number ${first.number} of ${first.key}`
}

/** Effects that came after a later one of their key, in words. A repetition is not counted here. */
export function outOfOrderEffects(effects: readonly Effect[]): string | undefined {
  const last = new Map<string, number>()
  const seen = new Set<string>()
  const found = effects.filter(({ id, key, number }) => {
    const before = last.get(key) ?? 0
    const isFirst = seen.size !== seen.add(id).size
    last.set(key, Math.max(before, number))
    return isFirst && number < before
  })
  const [first] = found
  return first && `${found.length} effects out of their key's order: the first is that of number ${first.number} of ${first.key}`
}
