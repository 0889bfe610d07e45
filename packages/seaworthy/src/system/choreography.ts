import type { Service } from './service.ts'

/** Who reacts to what, as data: JSON-able. Nobody conducts this; here alone it is whole. */
export interface Choreography {
  readonly events: readonly ChoreographedEvent[]
  /** Topics that are heard by services which do not declare what they do about which event. */
  readonly topics: readonly { readonly topic: string; readonly by: string | null; readonly heardBy: readonly string[] }[]
}

export interface ChoreographedEvent {
  readonly type: string
  readonly topic: string
  /** The service that publishes it. */
  readonly by: string
  readonly reactions: readonly {
    readonly service: string
    readonly does: string
    /** Types of the events that may follow. */
    readonly followedBy: readonly string[]
  }[]
}

/** The choreography that the services declare. Calls are no reactions, and are left out. */
export function choreography({ services }: { readonly services: readonly Service[] }): Choreography {
  const events = services.flatMap(({ name, emits }) =>
    emits.map(({ type, topic }) => ({
      type,
      topic,
      by: name,
      reactions: services.flatMap((service) =>
        service.reactions.filter(({ to }) => to.type === type).map(({ does, followedBy }) => ({ service: service.name, does, followedBy })),
      ),
    })),
  )
  const heard = services.flatMap(({ name, consumes, reactions }) =>
    consumes.filter((topic) => !reactions.some(({ to }) => to.topic === topic)).map((topic) => ({ topic, name })),
  )
  const topics = [...new Set(heard.map(({ topic }) => topic))].toSorted().map((topic) => ({
    topic,
    by: services.find(({ publishes }) => publishes.includes(topic))?.name ?? null,
    heardBy: heard.filter((each) => each.topic === topic).map(({ name }) => name),
  }))
  return { events, topics }
}

/** The same as a Mermaid flowchart: services, and between them the events by which one makes another act. */
export function choreographyGraph(system: { readonly services: readonly Service[] }): string {
  const { events, topics } = choreography(system)
  const lines: string[] = []
  const services = new Map<string, string>()
  const service = (name: string): string => {
    const known = services.get(name)
    if (known !== undefined) return known
    const id = `s${services.size}`
    services.set(name, id)
    lines.push(`  ${id}["${name}"]`)
    return id
  }
  for (const [index, { type, by, reactions }] of events.entries()) {
    lines.push(`  e${index}(["${type}"])`, `  ${service(by)} --> e${index}`)
    for (const { service: name, does } of reactions) lines.push(`  e${index} -->|"${does.replaceAll('"', '&quot;')}"| ${service(name)}`)
  }
  for (const [index, { topic, by, heardBy }] of topics.entries()) {
    lines.push(`  t${index}[("${topic}")]`)
    if (by !== null) lines.push(`  ${service(by)} -->|"publishes"| t${index}`)
    for (const name of heardBy) lines.push(`  t${index} -->|"is heard by"| ${service(name)}`)
  }
  return ['flowchart LR', ...lines].join('\n')
}
