import type { DocumentChange, ModelVersion, ReadStore, StoredDocument } from 'seaworthy/projections'
import { throughJson } from './table.ts'

interface Model {
  readonly documents: Map<string, StoredDocument>
  readonly checkpoints: Map<string, number>
}

/** Documents of read models in memory, for tests. */
export function inMemoryReadStore(): ReadStore {
  const models = new Map<string, Model>()
  const live = new Map<string, { live: number; previous: number }>()
  const name = ({ projection, version }: ModelVersion) => JSON.stringify([projection, version])
  const modelOf = (of: ModelVersion): Model => {
    const known = models.get(name(of)) ?? { documents: new Map(), checkpoints: new Map() }
    models.set(name(of), known)
    return known
  }
  const versionsOf = (projection: string) => live.get(projection) ?? { live: 0, previous: 0 }
  const isAsLoaded = ({ documents }: Model, { key, before }: DocumentChange) => documents.get(key)?.revision === before?.revision
  return {
    async load(of, { checkpoint, keys }) {
      const { documents, checkpoints } = modelOf(of)
      const found = keys.flatMap((key) => documents.get(key) ?? [])
      return { position: checkpoints.get(checkpoint) ?? 0, documents: new Map(found.map((document) => [document.key, document])) }
    },
    async write(of, { checkpoint, from, to, changes }) {
      const model = modelOf(of)
      if ((model.checkpoints.get(checkpoint) ?? 0) !== from || !changes.every((change) => isAsLoaded(model, change))) return false
      model.checkpoints.set(checkpoint, to)
      for (const { key, document, listing, before } of changes) {
        if (document === undefined) model.documents.delete(key)
        else model.documents.set(key, { key, document: throughJson(document), listing, revision: (before?.revision ?? 0) + 1 })
      }
      return true
    },
    checkpoints: async (of) => new Map(modelOf(of).checkpoints),
    async keys(of, { after, max }) {
      const keys = [...modelOf(of).documents.keys()].filter((key) => byBytes(key, after) > 0)
      return keys.toSorted(byBytes).slice(0, max)
    },
    async remove(of) {
      const versions = versionsOf(of.projection)
      if (versions.live === of.version) return false
      models.delete(name(of))
      if (versions.previous === of.version) live.set(of.projection, { ...versions, previous: 0 })
      return true
    },
    versions: async (projection) => versionsOf(projection),
    async makeLive(projection, { from, to, evenIfBehind = false }) {
      if (versionsOf(projection).live !== from) return 'moved'
      const next = modelOf({ projection, version: to }).checkpoints
      const isBehind = [...modelOf({ projection, version: from }).checkpoints].some(([of, position]) => position > (next.get(of) ?? 0))
      if (isBehind && !evenIfBehind) return 'behind'
      live.set(projection, { live: to, previous: from })
      return 'switched'
    },
    async find(projection, key) {
      const { live: version } = versionsOf(projection)
      return { version, document: modelOf({ projection, version }).documents.get(key) }
    },
    async list(projection, { in: list, offset, max }) {
      const { live: version } = versionsOf(projection)
      const listed = [...modelOf({ projection, version }).documents.values()].filter(({ listing }) => listing?.in === list)
      const ordered = listed.toSorted((one, other) => other.listing!.at - one.listing!.at || byBytes(other.key, one.key))
      return { version, documents: ordered.slice(offset, offset + max), total: listed.length }
    },
  }
}

const byBytes = (one: string, other: string) => Buffer.compare(Buffer.from(one), Buffer.from(other))
