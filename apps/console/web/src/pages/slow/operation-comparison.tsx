import type { JSX } from 'preact'
import type { PopulationDifference, StructureDifference } from 'seaworthy/trace-analysis'
import type { OperationAnswer } from '../../../../src/http/answers.ts'
import type { Loading } from '../../state/loading.ts'
import { follow } from '../../state/location.ts'
import { formatDuration, plural } from '../../view-model/format.ts'
import { CAUSE_TEXT } from '../../view-model/verdict-view.ts'
import { ServiceName } from '../../components/service-name.tsx'
import { TableHead } from '../../components/table-head.tsx'

/** Rows that are shown: the rest is noise. */
const PARTS_MAX = 12

/** The slow traces of an operation against the usual ones. */
export function OperationComparison({ comparison }: { comparison: Loading<OperationAnswer> }): JSX.Element {
  if (comparison.kind === 'loading') return <p class="loading">Comparing its traces…</p>
  if (comparison.kind === 'failed') return <p class="loading">{comparison.why}</p>
  const { sentence, difference, slowest, traces, leftOut } = comparison.value
  return (
    <section class="comparison" aria-label="The slow against the usual">
      <p class="verdict-sentence">
        {sentence ?? `There are ${plural(traces, 'trace')} of it: eight are needed to tell the slow from the usual.`}
      </p>
      {difference !== null && (
        <>
          <p class="facts">
            <span>{plural(difference.slow.count, 'slow trace')}</span>
            <span>{plural(difference.usual.count, 'usual one')}: the quicker half</span>
            {leftOut > 0 && <span>{plural(leftOut, 'trace')} with too many spans left out</span>}
          </p>
          <PartTable difference={difference} />
          {difference.structure.length > 0 && <StructureTable structure={difference.structure} />}
        </>
      )}
      <h2>Look at</h2>
      <ul class="slowest">
        {slowest.map(({ traceId, durationMs }) => (
          <li key={traceId}>
            <a class="id" href={`/traces/${traceId}`} onClick={(event) => follow(event, { page: 'trace', traceId, spanId: undefined })}>
              {traceId}
            </a>{' '}
            {formatDuration(durationMs * 1_000)}
          </li>
        ))}
      </ul>
    </section>
  )
}

function PartTable({ difference: { parts } }: { difference: PopulationDifference }): JSX.Element {
  const shown = parts.slice(0, PARTS_MAX)
  const fullUs = Math.max(...shown.map(({ slowUs, usualUs }) => Math.max(slowUs, usualUs)))
  return (
    <table class="grid part-grid">
      <caption>Where the time goes on the critical path, in the mean</caption>
      <TableHead columns={['Cause', 'In', { number: 'Usual' }, { number: 'Slow' }, 'Slow, and below it usual']} />
      <tbody>
        {shown.map(({ cause, service, peer, slowUs, usualUs }) => (
          <tr key={`${cause} ${service} ${peer}`}>
            <td title={CAUSE_TEXT[cause].meaning}>
              {CAUSE_TEXT[cause].name}
              {peer !== undefined && <span class="muted"> {peer}</span>}
            </td>
            <td>
              <ServiceName name={service} />
            </td>
            <td class="number">{formatDuration(usualUs)}</td>
            <td class="number strong">{formatDuration(slowUs)}</td>
            <td>
              <span class="pair-bar" aria-hidden="true">
                <span class="tone-1" style={{ width: `${(slowUs / fullUs) * 100}%` }} />
                <span class="tone-3" style={{ width: `${(usualUs / fullUs) * 100}%` }} />
              </span>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

const KINDS: Readonly<Record<StructureDifference['kind'], string>> = {
  new: 'in slow traces alone',
  missing: 'missing in slow traces',
  retried: 'fails and is made again',
  repeated: 'made many times more often',
}

function StructureTable({ structure }: { structure: readonly StructureDifference[] }): JSX.Element {
  return (
    <table class="grid part-grid">
      <caption>What they call, in calls a trace</caption>
      <TableHead columns={['Call', 'By', { number: 'Usual' }, { number: 'Slow' }, 'What differs']} />
      <tbody>
        {structure.map(({ kind, service, name, slowCount, usualCount }) => (
          <tr key={`${service} ${name}`}>
            <td>
              <span class="truncate" title={name}>
                {name}
              </span>
            </td>
            <td>
              <ServiceName name={service} />
            </td>
            <td class="number">{calls(usualCount)}</td>
            <td class="number strong">{calls(slowCount)}</td>
            <td>{KINDS[kind]}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

function calls(count: number): string {
  return count.toLocaleString('en', { maximumFractionDigits: 1 })
}
