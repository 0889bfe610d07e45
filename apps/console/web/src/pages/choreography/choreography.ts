import type { Choreography } from 'seaworthy/system'

/** An event, and what it sets off. */
export interface EventFlow {
  readonly type: string
  readonly topic: string
  readonly by: string
  readonly reactions: readonly ReactionFlow[]
  /** It was drawn further up on the same way: the choreography goes round. */
  readonly goesRound: boolean
}

interface ReactionFlow {
  readonly service: string
  readonly does: string
  readonly followedBy: readonly EventFlow[]
}

export interface ChoreographyView {
  /** What begins with an event that no reaction brings about; those that set off most first. */
  readonly flows: readonly EventFlow[]
  /** Events that nobody reacts to. */
  readonly unheard: readonly EventFlow[]
  readonly topics: Choreography['topics']
  readonly events: number
  readonly reactions: number
}

/** Who reacts to what, as trees from the events with which something begins. */
export function choreographyView({ events, topics }: Choreography): ChoreographyView {
  const byType = new Map(events.map((event) => [event.type, event]))
  const follows = new Set(events.flatMap(({ reactions }) => reactions.flatMap(({ followedBy }) => followedBy)))

  function flowOf(event: Choreography['events'][number], above: ReadonlySet<string>): EventFlow {
    const { type, topic, by } = event
    const goesRound = above.has(type)
    const path = new Set([...above, type])
    return {
      type,
      topic,
      by,
      goesRound,
      reactions: goesRound
        ? []
        : event.reactions.map(({ service, does, followedBy }) => ({
            service,
            does,
            followedBy: followedBy.flatMap((next) => {
              const found = byType.get(next)
              return found === undefined ? [] : [flowOf(found, path)]
            }),
          })),
    }
  }

  const reached = new Set<string>()
  const reach = (flow: EventFlow): void => {
    reached.add(flow.type)
    for (const { followedBy } of flow.reactions) followedBy.forEach(reach)
  }
  const flows = events.filter(({ type, reactions }) => !follows.has(type) && reactions.length > 0).map((event) => flowOf(event, new Set()))
  flows.forEach(reach)
  // What goes round in a circle begins nowhere: it is drawn from its first event.
  for (const event of events) {
    if (reached.has(event.type) || event.reactions.length === 0) continue
    const flow = flowOf(event, new Set())
    reach(flow)
    flows.push(flow)
  }
  return {
    flows: flows.toSorted((one, other) => sizeOf(other) - sizeOf(one)),
    unheard: events.filter(({ type, reactions }) => reactions.length === 0 && !reached.has(type)).map((event) => flowOf(event, new Set())),
    topics,
    events: events.length,
    reactions: events.reduce((sum, event) => sum + event.reactions.length, 0),
  }
}

function sizeOf({ reactions }: EventFlow): number {
  return reactions.reduce((sum, { followedBy }) => sum + 1 + followedBy.reduce((more, flow) => more + sizeOf(flow), 0), 0)
}
