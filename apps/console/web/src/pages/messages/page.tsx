import type { JSX } from 'preact'
import { useEffect } from 'preact/hooks'
import { DeadLetterTable, HeldKeyTable } from './dead-letter-table.tsx'
import { EmptyState } from '../../components/empty-state.tsx'
import { LetterDetails } from './letter-details.tsx'
import { OrderResult } from '../../components/order-result.tsx'
import { MessagesTable, TopicTable } from './messages-table.tsx'
import { navigate } from '../../state/location.ts'
import { useMessages } from './state.ts'
import { plural } from '../../view-model/format.ts'
import { type MessagesView, requeueOf } from '../../view-model/messages.ts'

/** What waits to be sent, what is behind, and what could not be handled. A dead letter in the address is shown with its body. */
export function MessagesPage({ letter }: { letter: { readonly service: string; readonly id: string } | undefined }): JSX.Element {
  const messages = useMessages()
  useEffect(() => {
    document.title = 'Messages · Seaworthy console'
  }, [])
  const state = messages.state.value
  const view = messages.view.value
  if (state.kind === 'failed') {
    return (
      <EmptyState title="The messages could not be asked for">
        <p>{state.why} This page asks again every two seconds.</p>
      </EmptyState>
    )
  }
  if (view === undefined) return <p class="loading">Asking the services…</p>
  if (view.services.length === 0) {
    return (
      <EmptyState title="No service tells of its messages">
        <p>
          Services that a supervisor started tell it of their outboxes, consumers, queues and dead letters. Start the shop with{' '}
          <code>npm start</code>.
        </p>
      </EmptyState>
    )
  }
  const show = (next: typeof letter): void => navigate({ page: 'messages', letter: next }, { replace: true })
  const isBusy = messages.requeueing.value?.kind === 'working'
  return (
    <>
      <Summary view={view} stale={messages.stale.value} />
      <OrderResult state={messages.requeueing.value} onClose={() => (messages.requeueing.value = undefined)} />
      <div class={`messages-body ${letter === undefined ? '' : 'with-details'}`}>
        <div class="table-frame">
          <MessagesTable services={view.services} />
          {view.heldKeys.length > 0 && (
            <section class="part">
              <h2>Keys held up</h2>
              <HeldKeyTable
                keys={view.heldKeys}
                isBusy={isBusy}
                onRequeue={({ service, topic, key, requeue }) =>
                  requeue !== undefined && void messages.requeue(service, `${topic}/${key}`, requeue)
                }
              />
            </section>
          )}
          <section class="part">
            <h2>Dead letters</h2>
            {view.letters.length === 0 ? (
              <p class="part-note">None: every message was handled, or is being handled.</p>
            ) : (
              <DeadLetterTable letters={view.letters} open={letter} />
            )}
            {view.unlisted > 0 && (
              <p class="part-note">
                {view.unlisted.toLocaleString('en')} more behind these. <code>seaworthy dead-letters list SERVICE</code> lists all.
              </p>
            )}
          </section>
          <section class="part">
            <h2>Topics</h2>
            {view.topics.length === 0 ? <p class="part-note">No topic has been created yet.</p> : <TopicTable topics={view.topics} />}
          </section>
        </div>
        {letter !== undefined && (
          <LetterDetails
            key={`${letter.service} ${letter.id}`}
            {...letter}
            isBusy={isBusy}
            onClose={() => show(undefined)}
            onRequeue={(found) => void messages.requeue(letter.service, found.key ?? found.id, requeueOf(found))}
          />
        )}
      </div>
    </>
  )
}

function Summary({ view, stale }: { view: MessagesView; stale: string | undefined }): JSX.Element {
  const silent = view.services.filter(({ problem }) => problem !== undefined).length
  return (
    <div class="page-head">
      <h1>Messages</h1>
      <p class="facts">
        <span>{plural(view.waiting, 'message')} in outboxes</span>
        <span>{view.lag.toLocaleString('en')} behind in topics</span>
        {view.heldKeys.length > 0 && <span class="warn-text">{plural(view.heldKeys.length, 'key')} held up</span>}
        <span class={view.deadLetters > 0 ? 'error-text' : ''}>{plural(view.deadLetters, 'dead letter')}</span>
        {silent > 0 && <span class="error-text">{plural(silent, 'service')} silent</span>}
        {stale !== undefined && <span class="error-text">{stale}</span>}
      </p>
    </div>
  )
}
