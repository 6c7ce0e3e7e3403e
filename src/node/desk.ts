/** Where this node's replies are sealed; null where members believe each other and nothing is signed. */
import { ReplyDesk, type ReplyDeskSetup } from '../server/reply-desk.js'
import type { Signing } from './protocol.js'

export function deskOf(
  signing: Signing | null,
  of: Pick<ReplyDeskSetup, 'replica' | 'view' | 'machine' | 'lie'>,
): ReplyDesk | null {
  if (signing === null) return null
  const { voice, keyring } = signing
  return new ReplyDesk({ ...of, voice, keyring, later: setImmediate })
}
