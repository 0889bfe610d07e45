import type { JSX } from 'preact'
import type { EventFlow } from './choreography.ts'
import { ServiceName } from '../../components/service-name.tsx'

/** An event and, to the right of it, who reacts and what may follow. Lists within lists, so that it can be read without seeing it. */
export function EventFlowView({ flow, isFirst = true }: { flow: EventFlow; isFirst?: boolean }): JSX.Element {
  const { type, topic, by, reactions, goesRound } = flow
  return (
    <div class="event-flow">
      {isFirst && (
        <span class="flow-source">
          <ServiceName name={by} />
        </span>
      )}
      <span class="flow-event" title={`${type}, published by ${by} on topic ${topic}`}>
        <span class="truncate">{type}</span>
      </span>
      {goesRound && <span class="muted">goes round, as above</span>}
      {!goesRound && reactions.length === 0 && <span class="muted flow-end">nobody reacts</span>}
      {reactions.length > 0 && (
        <ul class="flow-reactions">
          {reactions.map(({ service, does, followedBy }) => (
            <li key={`${service} ${does}`}>
              <span class="flow-reaction">
                <ServiceName name={service} />
                <span>{does}</span>
              </span>
              {followedBy.map((next) => (
                <EventFlowView key={next.type} flow={next} isFirst={false} />
              ))}
            </li>
          ))}
        </ul>
      )}
    </div>
  )
}
