/** One value that differs between two states. */
export interface StateChange {
  /** As in `postings[0].amountCents`; empty for the whole state. */
  readonly path: string
  /** JSON; undefined where there was nothing. */
  readonly before?: unknown
  /** JSON; undefined where there is nothing any more. */
  readonly after?: unknown
}

/** What differs between two JSON values, the deepest that does, in the order of the later one. */
export function stateChanges(before: unknown, after: unknown, path = ''): readonly StateChange[] {
  if (isContainer(before) && isContainer(after) && Array.isArray(before) === Array.isArray(after)) {
    const names = new Set([...Object.keys(after), ...Object.keys(before)])
    return [...names].flatMap((name) => stateChanges(own(before, name), own(after, name), within(path, name, Array.isArray(after))))
  }
  if (Object.is(before, after)) return []
  return [{ path, ...(before !== undefined && { before }), ...(after !== undefined && { after }) }]
}

function isContainer(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

function own(container: Record<string, unknown>, name: string): unknown {
  return Object.hasOwn(container, name) ? container[name] : undefined
}

function within(path: string, name: string, isList: boolean): string {
  if (isList) return `${path}[${name}]`
  return path === '' ? name : `${path}.${name}`
}
