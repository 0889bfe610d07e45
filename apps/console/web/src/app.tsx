import type { JSX } from 'preact'
import { useEffect } from 'preact/hooks'
import { EmptyState } from './components/empty-state.tsx'
import { Frame } from './components/frame.tsx'
import { type PageRoute, pageOf } from './pages/registry.ts'
import { follow, route } from './state/location.ts'
import { loadView, views } from './state/views.ts'

export function App(): JSX.Element {
  const current = route.value
  return <Frame>{current.page === 'unknown' ? <Unknown path={current.path} /> : <View of={current} />}</Frame>
}

function View({ of }: { of: PageRoute }): JSX.Element | null {
  useEffect(() => void loadView(of), [of.page])
  const view = views.value.get(of.page)
  if (view === undefined) return null
  if (view.kind === 'failed') {
    return (
      <EmptyState title="The page could not be brought">
        <p>The console is away, or was built anew since this page was loaded.</p>
        <button type="button" class="button" onClick={() => window.location.reload()}>
          Load it again
        </button>
      </EmptyState>
    )
  }
  const { component: Component } = view
  return <Component key={`${of.page} ${pageOf(of).identity?.(of as never) ?? ''}`} {...of} />
}

function Unknown({ path }: { path: string }): JSX.Element {
  return (
    <EmptyState title="There is no such page">
      <p>
        <code>{path}</code> is no address of the console. Go to{' '}
        <a href="/system" onClick={(event) => follow(event, { page: 'system' })}>
          System
        </a>
        .
      </p>
    </EmptyState>
  )
}
