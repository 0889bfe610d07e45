import type { JSX } from 'preact'
import { formatAge } from '../../view-model/format.ts'
import type { ServiceRow, TopicRow } from '../../view-model/messages.ts'
import { ConditionBadge } from '../../components/condition-badge.tsx'
import { ServiceName } from '../../components/service-name.tsx'
import { TableHead } from '../../components/table-head.tsx'

const NOTHING = '–'

/** Outbox, relay, consumer and queues of each service. */
export function MessagesTable({ services }: { services: readonly ServiceRow[] }): JSX.Element {
  return (
    <table class="grid messages-grid">
      <caption class="hidden">Outboxes, consumers and queues</caption>
      <TableHead
        columns={[
          'Service',
          { number: 'In outbox', title: 'Messages that are committed and not yet confirmed by the log' },
          { number: 'Oldest', title: 'Since when the oldest of them waits' },
          'Relay',
          'Consumer',
          { number: 'Lag', title: 'Records of its topics that it has not committed yet' },
          { number: 'Keys held up', title: 'Keys whose messages wait for one that could not be handled' },
          { number: 'Dead letters' },
          { number: 'In queues', title: 'Messages that its queues hold, dead ones apart' },
        ]}
      />
      <tbody>
        {services.map((row) => (
          <Row key={row.service} row={row} />
        ))}
      </tbody>
    </table>
  )
}

function Row({ row }: { row: ServiceRow }): JSX.Element {
  const { service, problem, outbox, consumer, lag, heldKeys, deadLetters, queues } = row
  const waitsMs = outbox?.oldestAtMs === undefined ? undefined : Date.now() - outbox.oldestAtMs
  return (
    <tr>
      <th scope="row">
        <ServiceName name={service} />
        {problem !== undefined && (
          <span class="problem truncate error-text" title={problem}>
            {problem}
          </span>
        )}
      </th>
      <td class="number">{outbox?.waiting.toLocaleString('en') ?? NOTHING}</td>
      <td class="number">{waitsMs === undefined ? NOTHING : formatAge(waitsMs)}</td>
      <td>{outbox === undefined ? NOTHING : <ConditionBadge condition={outbox.relay} />}</td>
      <td>{consumer === undefined ? NOTHING : <ConditionBadge condition={consumer} />}</td>
      <td class="number">{consumer === undefined ? NOTHING : lag.toLocaleString('en')}</td>
      <td class={`number ${heldKeys > 0 ? 'warn-text' : ''}`}>{consumer === undefined ? NOTHING : heldKeys.toLocaleString('en')}</td>
      <td class={`number ${deadLetters > 0 ? 'error-text' : ''}`}>
        {consumer === undefined && queues.length === 0 ? NOTHING : deadLetters.toLocaleString('en')}
      </td>
      <td class="number" title={queues.map(({ title }) => title).join('\n')}>
        {queues.length === 0 ? NOTHING : queues.reduce((total, { waiting }) => total + waiting, 0).toLocaleString('en')}
      </td>
    </tr>
  )
}

/** What is in each topic, and how far each group is behind. */
export function TopicTable({ topics }: { topics: readonly TopicRow[] }): JSX.Element {
  return (
    <table class="grid topic-grid">
      <caption class="hidden">Topics and consumer groups</caption>
      <TableHead
        columns={[
          'Topic',
          { number: 'Partitions' },
          { number: 'Records', title: 'Records that it keeps' },
          { number: 'Appended', title: 'Records that were ever appended: the sum of its offsets' },
          'Lag of each group',
        ]}
      />
      <tbody>
        {topics.map(({ topic, partitions, records, appended, offsets, groups }) => (
          <tr key={topic}>
            <th scope="row">
              <span class="truncate" title={topic}>
                {topic}
              </span>
            </th>
            <td class="number">{partitions}</td>
            <td class="number">{records.toLocaleString('en')}</td>
            <td class="number" title={offsets === '' ? undefined : `Offsets by partition\n${offsets}`}>
              {appended?.toLocaleString('en') ?? NOTHING}
            </td>
            <td>
              <span class="groups">
                {groups.length === 0 && <span class="muted">nobody reads it</span>}
                {groups.map(({ group, lag }) => (
                  <span key={group} class={`badge ${lag === 0 ? 'quiet' : 'warn'}`} title={`${group} has ${lag} records before it`}>
                    <span class="truncate">{group}</span>
                    <span class="strong">{lag.toLocaleString('en')}</span>
                  </span>
                ))}
              </span>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
