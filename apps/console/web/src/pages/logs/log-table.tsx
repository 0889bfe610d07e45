import type { JSX } from 'preact'
import { useRef } from 'preact/hooks'
import type { ShownLog } from '../../../../src/http/answers.ts'
import { follow } from '../../state/location.ts'
import { useRowKeys } from '../../state/row-keys.ts'
import { formatDate, formatTime, shortId } from '../../view-model/format.ts'
import { logText } from './log-text.ts'
import type { LogFilter } from './route.ts'
import { routeUrl } from '../registry.ts'
import { LevelBadge } from './level-badge.tsx'
import { ServiceName } from '../../components/service-name.tsx'
import { TableHead } from '../../components/table-head.tsx'

/** Log records, one in a row. */
export function LogTable({
  logs,
  filter,
  chosen,
}: {
  logs: readonly ShownLog[]
  filter: LogFilter
  chosen: number | undefined
}): JSX.Element {
  const body = useRef<HTMLTableSectionElement>(null)
  useRowKeys(body)
  return (
    <table class="grid linked-rows log-grid">
      <caption class="hidden">Log records, the last to arrive first</caption>
      <TableHead columns={['Time', 'Level', 'Service', 'Record', 'Correlation id']} />
      <tbody ref={body}>
        {logs.map((log) => (
          <Row key={log.id} log={log} filter={filter} isChosen={log.id === chosen} />
        ))}
      </tbody>
    </table>
  )
}

function Row({ log, filter, isChosen }: { log: ShownLog; filter: LogFilter; isChosen: boolean }): JSX.Element {
  const to = { page: 'logs', filter, log: log.id } as const
  const timeMs = Date.parse(log.time)
  const { message, fields } = logText(log)
  return (
    <tr
      class={isChosen ? 'chosen' : ''}
      onClick={(event) => {
        if (!(event.target instanceof Element && event.target.closest('a') !== null)) follow(event, to)
      }}
    >
      <td class="time" title={`${formatDate(timeMs)} ${formatTime(timeMs)}`}>
        {formatTime(timeMs)}
      </td>
      <td>
        <LevelBadge level={log.level} />
      </td>
      <td>
        <ServiceName name={log.service} />
      </td>
      <td>
        <a class="row-link log-line truncate" href={routeUrl(to)} data-log={log.id} title={message} onClick={(event) => follow(event, to)}>
          {message !== '' && <span>{message}</span>} {fields !== '' && <span class="muted">{fields}</span>}
        </a>
      </td>
      <td>
        <span class="truncate id" title={log.correlationId ?? 'none'}>
          {log.correlationId === null ? '–' : shortId(log.correlationId)}
        </span>
      </td>
    </tr>
  )
}
