import type { JSX } from 'preact'
import { useRef } from 'preact/hooks'
import { follow } from '../../state/location.ts'
import { useRowKeys } from '../../state/row-keys.ts'
import { formatAge, formatDate, formatTime, shortId } from '../../view-model/format.ts'
import type { Condition, HeldKey, LetterRow } from '../../view-model/messages.ts'
import { ConditionBadge } from '../../components/condition-badge.tsx'
import { ServiceName } from '../../components/service-name.tsx'
import { TableHead } from '../../components/table-head.tsx'

const KINDS: Readonly<Record<LetterRow['kind'], Condition>> = {
  parked: { tone: 'error', text: 'parked', title: 'It could not be handled, and holds up its key' },
  held: { tone: 'quiet', text: 'held', title: 'It came behind a parked message of its key, and was not tried' },
  skipped: { tone: 'warn', text: 'skipped', title: 'It could not be handled, and later messages of its key went on without it' },
  queued: { tone: 'error', text: 'dead', title: 'It was delivered as often as its queue allows' },
}

interface OpenLetter {
  readonly service: string
  readonly id: string
}

/** Dead letters, one in a row; a row opens its letter. */
export function DeadLetterTable({ letters, open }: { letters: readonly LetterRow[]; open: OpenLetter | undefined }): JSX.Element {
  const body = useRef<HTMLTableSectionElement>(null)
  useRowKeys(body)
  return (
    <table class="grid linked-rows letter-grid">
      <caption class="hidden">Dead letters, each key in order</caption>
      <TableHead columns={['Service', 'Message', 'Kind', { number: 'Tried' }, { number: 'Since' }, 'Reason']} />
      <tbody ref={body}>
        {letters.map((letter) => (
          <Letter
            key={`${letter.service} ${letter.source} ${letter.id}`}
            letter={letter}
            isOpen={letter.service === open?.service && letter.id === open.id}
          />
        ))}
      </tbody>
    </table>
  )
}

function Letter({ letter, isOpen }: { letter: LetterRow; isOpen: boolean }): JSX.Element {
  const { service, source, id, topic, key, type, sequence, kind, attempts, diedAtMs, reason } = letter
  const to = { page: 'messages', letter: { service, id } } as const
  return (
    <tr
      class={isOpen ? 'chosen' : ''}
      onClick={(event) => {
        if (!(event.target instanceof Element && event.target.closest('a') !== null)) follow(event, to)
      }}
    >
      <td>
        <ServiceName name={service} />
      </td>
      <td>
        <a
          class="row-link letter-link"
          href={`/messages?service=${encodeURIComponent(service)}&letter=${encodeURIComponent(id)}`}
          aria-current={isOpen ? 'true' : undefined}
          title={topic === null ? `${source}, message ${id}` : `${type} ${id}, number ${sequence} of key ${key} on topic ${topic}`}
          onClick={(event) => follow(event, to)}
        >
          <span class="truncate">{topic === null ? shortId(id) : `${topic}/${key}`}</span>
          <span class="truncate muted">
            <span class="of-service">{service} · </span>
            {topic === null ? source.replace(':', ' ') : `${type} #${sequence}`}
          </span>
        </a>
      </td>
      <td>
        <ConditionBadge condition={KINDS[kind]} />
      </td>
      <td class="number">{attempts.toLocaleString('en')}</td>
      <td class="number" title={`${formatDate(diedAtMs)} ${formatTime(diedAtMs)}`}>
        {formatAge(Date.now() - diedAtMs)}
      </td>
      <td>
        <span class="truncate" title={reason}>
          {reason}
        </span>
      </td>
    </tr>
  )
}

/** Keys whose messages wait. */
export function HeldKeyTable({
  keys,
  isBusy,
  onRequeue,
}: {
  keys: readonly HeldKey[]
  isBusy: boolean
  onRequeue: (key: HeldKey) => void
}): JSX.Element {
  return (
    <table class="grid held-grid">
      <caption class="hidden">Keys that are held up</caption>
      <TableHead columns={['Service', 'Key', 'State', 'Why', { hidden: 'What to do' }]} />
      <tbody>
        {keys.map((held) => (
          <tr key={`${held.service} ${held.group} ${held.topic} ${held.key}`}>
            <td>
              <ServiceName name={held.service} />
            </td>
            <td>
              <span class="truncate" title={`Key ${held.key} of topic ${held.topic}`}>
                {held.topic}/{held.key}
              </span>
              <span class="of-service muted">{held.service}</span>
            </td>
            <td>
              <ConditionBadge condition={held.condition} />
            </td>
            <td>
              <span class="truncate" title={held.reason}>
                {held.reason}
              </span>
            </td>
            <td>
              {held.requeue !== undefined && (
                <button
                  type="button"
                  class="button"
                  aria-disabled={isBusy}
                  aria-label={`Requeue ${held.topic}/${held.key} of ${held.service}`}
                  title={`${held.condition.title}. Handles them again, in order`}
                  onClick={() => onRequeue(held)}
                >
                  Requeue
                </button>
              )}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
