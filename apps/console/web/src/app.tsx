import type { JSX } from 'preact'
import { EmptyState } from './components/empty-state.tsx'
import { Frame } from './components/frame.tsx'
import { follow, route } from './state/location.ts'
import { LabsPage } from './pages/labs-page.tsx'
import { LogsPage } from './pages/logs-page.tsx'
import { MapPage } from './pages/map-page.tsx'
import { MessagesPage } from './pages/messages-page.tsx'
import { ResiliencePage } from './pages/resilience-page.tsx'
import { SlowPage } from './pages/slow-page.tsx'
import { ChoreographyPage } from './pages/choreography-page.tsx'
import { SagaPage } from './pages/saga-page.tsx'
import { SagasPage } from './pages/sagas-page.tsx'
import { SystemPage } from './pages/system-page.tsx'
import { TracePage } from './pages/trace-page.tsx'
import { TracesPage } from './pages/traces-page.tsx'

export function App(): JSX.Element {
  return (
    <Frame>
      <Page />
    </Frame>
  )
}

function Page(): JSX.Element {
  const current = route.value
  switch (current.page) {
    case 'system':
      return <SystemPage />
    case 'messages':
      return <MessagesPage letter={current.letter} />
    case 'resilience':
      return <ResiliencePage />
    case 'logs':
      return <LogsPage filter={current.filter} log={current.log} />
    case 'map':
      return <MapPage view={current.view} />
    case 'sagas':
      return <SagasPage filter={current.filter} />
    case 'saga':
      return <SagaPage key={`${current.service} ${current.id}`} service={current.service} id={current.id} />
    case 'choreography':
      return <ChoreographyPage />
    case 'labs':
      return <LabsPage run={current.run} />
    case 'slow':
      return <SlowPage operation={current.operation} />
    case 'traces':
      return <TracesPage filter={current.filter} />
    case 'trace':
      return <TracePage key={current.traceId} traceId={current.traceId} spanId={current.spanId} />
    case 'unknown':
      return (
        <EmptyState title="There is no such page">
          <p>
            <code>{current.path}</code> is no address of the console. Go to{' '}
            <a href="/system" onClick={(event) => follow(event, { page: 'system' })}>
              System
            </a>
            .
          </p>
        </EmptyState>
      )
  }
}
