import './style.css'
import { signal } from '@preact/signals'
import type { JSX } from 'preact'
import { useEffect, useMemo } from 'preact/hooks'
import type { Choreography } from 'seaworthy/system'
import { EmptyState } from '../../components/empty-state.tsx'
import { EventFlowView } from './event-flow.tsx'
import { Icon } from '../../components/icon.tsx'
import { fetchChoreography } from '../../state/api.ts'
import { follow } from '../../state/location.ts'
import type { Loading } from '../../state/refreshed.ts'
import { choreographyView } from './choreography.ts'
import { plural } from '../../view-model/format.ts'
import { ALL_SAGAS } from '../sagas/route.ts'

/** Who reacts to what, from the declarations. It changes with a deploy, and is asked for once. */
export function ChoreographyPage(): JSX.Element {
  const loading = useChoreography().value
  useEffect(() => {
    document.title = 'Choreography · Seaworthy console'
  }, [])
  if (loading.kind === 'loading') return <p class="loading">Asking for the declarations…</p>
  if (loading.kind === 'failed') {
    return (
      <EmptyState title="The declarations could not be asked for">
        <p>{loading.why} Load the page again.</p>
      </EmptyState>
    )
  }
  const { flows, unheard, topics, events, reactions } = choreographyView(loading)
  if (events === 0 && topics.length === 0) {
    return (
      <EmptyState title="No service declares a reaction">
        <p>
          A service says in its declaration what it <code>emits</code>, and by <code>reaction(…)</code> what it does about the events of
          others. The same from a terminal: <code>seaworthy events graph SYSTEM_FILE</code>.
        </p>
      </EmptyState>
    )
  }
  return (
    <>
      <div class="page-head">
        <a class="back" href="/sagas" onClick={(event) => follow(event, { page: 'sagas', filter: ALL_SAGAS })}>
          <Icon name="back" />
          Sagas
        </a>
        <h1>Who reacts to what</h1>
        <p class="facts">
          <span>{plural(events, 'event')}</span>
          <span>{plural(reactions, 'reaction')}</span>
          <span>Nobody conducts these: each service reacts by itself, and what is not declared cannot run.</span>
        </p>
      </div>
      <div class="table-frame choreography">
        <ul aria-label="Choreographies">
          {flows.map((flow) => (
            <li key={flow.type}>
              <EventFlowView flow={flow} />
            </li>
          ))}
        </ul>
        {topics.length > 0 && (
          <section class="part">
            <h2>Topics that are heard without saying what for</h2>
            <ul class="topic-list">
              {topics.map(({ topic, by, heardBy }) => (
                <li key={topic}>
                  <strong>{topic}</strong>
                  {by !== null && ` of ${by}`}, heard by {heardBy.join(', ')}
                </li>
              ))}
            </ul>
          </section>
        )}
        {unheard.length > 0 && (
          <section class="part">
            <h2>Events that nobody reacts to</h2>
            <ul>
              {unheard.map((flow) => (
                <li key={flow.type}>
                  <EventFlowView flow={flow} />
                </li>
              ))}
            </ul>
          </section>
        )}
      </div>
    </>
  )
}

function useChoreography() {
  const loading = useMemo(() => signal<Loading<Choreography>>({ kind: 'loading' }), [])
  useEffect(() => {
    const ending = new AbortController()
    fetchChoreography(ending.signal).then(
      (found) => (loading.value = { kind: 'loaded', ...found }),
      (error: unknown) => {
        if (!ending.signal.aborted) loading.value = { kind: 'failed', why: error instanceof Error ? error.message : String(error) }
      },
    )
    return () => ending.abort()
  }, [loading])
  return loading
}
