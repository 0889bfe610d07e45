import type { JSX } from 'preact'
import { follow } from '../../state/location.ts'
import { ALL_LOGS, type LogFilter } from '../logs/route.ts'
import { routeUrl } from '../registry.ts'

/** From a span to what was logged meanwhile. */
export function LogLinks({ traceId, spanId }: { traceId: string; spanId: string }): JSX.Element {
  const link = (text: string, part: Partial<LogFilter>): JSX.Element => {
    const to = { page: 'logs', filter: { ...ALL_LOGS, traceId, ...part }, log: undefined } as const
    return (
      <a class="button" href={routeUrl(to)} onClick={(event) => follow(event, to)}>
        {text}
      </a>
    )
  }
  return (
    <p class="actions">
      {link('Logs of this span', { spanId })}
      {link('Logs of the trace', {})}
    </p>
  )
}
