import type { HistoryEntry, RenderedFailure } from '@seaworthy/simulation'

/** A history of many orders, one of which fails. */
export function manyOrders(count: number, message = 'Event order-7 is lost: the topic orders never handled it.'): RenderedFailure {
  const entries: HistoryEntry[] = [
    { kind: 'start', atMs: 0, node: 'orders', incarnation: 1 },
    { kind: 'ready', atMs: 0, node: 'orders', incarnation: 1 },
  ]
  for (let order = 0; order < count; order++) {
    const about = { method: 'place', callId: order } as const
    const at = (afterMs: number, node: string, peer: string) => ({
      atMs: order * 10 + afterMs,
      node,
      incarnation: node === 'customer' ? 0 : 1,
      peer,
    })
    entries.push(
      { kind: 'request', ...about, ...at(0, 'customer', 'orders'), request: { id: `order-${order}` }, key: undefined },
      { kind: 'delivery', ...about, ...at(1, 'orders', 'customer') },
      { kind: 'commit', ...at(2, 'orders', ''), peer: undefined, database: 'orders' },
    )
    if (order === 7)
      entries.push({
        kind: 'pause',
        ...at(2, 'orders', ''),
        peer: undefined,
        forMs: 40_000,
        fault: 'pause',
        index: 'orders.event-log:append:before#8',
      })
    const outcome = { kind: 'done', result: null } as const
    entries.push(
      { kind: 'reply', ...about, ...at(3, 'orders', 'customer'), outcome },
      { kind: 'answer', ...about, ...at(4, 'customer', 'orders'), outcome },
    )
  }
  const faults = [{ kind: 'pause', index: 'orders.event-log:append:before#8' } as const]
  return { invariant: 'nothing is lost', message, seed: 1, faults, history: 'seed=1', entries, runs: 9, shrinkRuns: 2 }
}
