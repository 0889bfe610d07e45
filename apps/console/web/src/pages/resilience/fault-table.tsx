import type { Fault } from '@seaworthy/supervisor'
import type { JSX } from 'preact'
import type { SufferingRow } from '../../view-model/resilience.ts'
import { ServiceName } from '../../components/service-name.tsx'
import { TableHead } from '../../components/table-head.tsx'

const FAULTS: readonly { readonly label: string; readonly title: string; readonly fault: Fault; readonly text: string }[] = [
  {
    label: 'Slow',
    title: 'Each request waits 2 s before it is handled',
    fault: { kind: 'latency', ms: 2_000 },
    text: 'lets each request wait 2 s',
  },
  { label: 'Errors', title: 'Half of the requests fail', fault: { kind: 'errors', ratio: 0.5 }, text: 'fails half of its requests' },
  { label: 'Pause', title: 'The process stands still, and nothing answers', fault: { kind: 'pause' }, text: 'stands still' },
  { label: 'Kill', title: 'The process is killed, and comes back', fault: { kind: 'kill' }, text: 'was killed, and is started again' },
]

/** What each service suffers, and buttons that make it. */
export function FaultTable({
  services,
  onFault,
}: {
  services: readonly SufferingRow[]
  onFault: (service: string, fault: Fault, text: string) => void
}): JSX.Element {
  return (
    <table class="grid fault-grid">
      <caption class="hidden">Faults</caption>
      <TableHead columns={['Service', 'Suffers', 'Make it suffer']} />
      <tbody>
        {services.map(({ service, state, suffers, problem }) => (
          <tr key={service}>
            <th scope="row">
              <ServiceName name={service} />
            </th>
            <td>
              <span class="groups">
                {suffers.map((what) => (
                  <span key={what} class="badge error">
                    {what}
                  </span>
                ))}
                {suffers.length === 0 && <span class="muted">{state === 'ready' ? 'nothing' : state}</span>}
                {problem !== undefined && <span class="muted truncate">{problem}</span>}
              </span>
            </td>
            <td>
              <span class="fault-buttons">
                {FAULTS.map(({ label, title, fault, text }) => (
                  <button
                    key={label}
                    type="button"
                    class="button"
                    title={title}
                    aria-label={`${label}: ${service}`}
                    onClick={() => onFault(service, fault, text)}
                  >
                    {label}
                  </button>
                ))}
                <button
                  type="button"
                  class="button"
                  title="Ends all of it"
                  aria-label={`Clear: ${service}`}
                  aria-disabled={suffers.length === 0}
                  onClick={() => suffers.length > 0 && onFault(service, { kind: 'clear' }, 'suffers nothing any more')}
                >
                  Clear
                </button>
              </span>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
