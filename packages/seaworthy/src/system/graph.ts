import type { SystemDeclaration } from './system.ts'

/**
 * Who reacts to what, as a Mermaid flowchart, from the services' declarations: topics with who publishes and who consumes each. Calls are no reactions, and are
 * left out. Nobody conducts this; the picture is the only place where it is whole.
 */
export function choreographyGraph({ services }: Pick<SystemDeclaration, 'services'>): string {
  const topics = [...new Set(services.flatMap(({ publishes, consumes }) => [...publishes, ...consumes]))].toSorted()
  const topic = new Map(topics.map((name, index) => [name, `t${index}`]))
  const lines = topics.map((name) => `  ${topic.get(name)}[("${name}")]`)
  for (const [index, { name, publishes, consumes }] of services.entries()) {
    if (publishes.length + consumes.length === 0) continue
    lines.push(`  s${index}["${name}"]`)
    for (const each of publishes) lines.push(`  s${index} -->|"publishes"| ${topic.get(each)}`)
    for (const each of consumes) lines.push(`  ${topic.get(each)} -->|"is heard by"| s${index}`)
  }
  return ['flowchart LR', ...lines].join('\n')
}
