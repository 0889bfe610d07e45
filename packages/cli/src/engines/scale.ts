import { UnsupportedError } from 'seaworthy/core'
import type { System } from 'seaworthy/system'
import type { Arguments } from '../arguments.ts'
import { UsageError } from '../usage.ts'
import type { Engine } from './engine-settings.ts'

export const scaleOption = {
  value: 'SERVICE=COUNT',
  help: 'how many instances of a service (1); several by commas, or once for each',
} as const

/** How many instances of which services. @throws UsageError for what cannot be read */
export function scaleOf(args: Arguments): Readonly<Record<string, number>> {
  return Object.fromEntries((args.all['scale'] ?? []).flatMap((text) => text.split(',')).map((text) => scaleOfText(text, '--scale')))
}

/** @param source what the text is of. @throws UsageError */
export function scaleOfText(text: string, source: string): readonly [service: string, count: number] {
  const [, service, count] = /^([a-z][a-z0-9-]*)=(\d{1,3})$/.exec(text) ?? []
  if (service === undefined) throw new UsageError(`${source} must be SERVICE=COUNT, as in payments=3, but is "${text}".`)
  return [service, Number(count)]
}

/** @throws UnsupportedError for a service that stands on an engine which one process at a time uses */
export function assertScalable({ services }: System, scale: Readonly<Record<string, number>>, engines: ReadonlySet<Engine>): void {
  for (const { name, owns, publishes, consumes } of services) {
    const count = scale[name] ?? 1
    if (count === 1) continue
    const missing: readonly Engine[] = [
      ...(owns.length > 0 && !engines.has('postgres') ? (['postgres'] as const) : []),
      ...(publishes.length + consumes.length > 0 && !engines.has('kafka') ? (['kafka'] as const) : []),
    ]
    if (missing.length > 0)
      throw new UnsupportedError(
        `${name} cannot have ${count} instances on embedded storage, whose files one process at a time writes. Put it on servers: --engines ${[...engines, ...missing].join(',')}.`,
      )
  }
}
