/** Calls of clients, and what goes to and comes from the peers: `grpc_server_`, `etcd_network_`. */
import { type CallTally, goCodeName, type Tally } from '../../../rpc/call-tally.js'
import type { Register, Sample } from './register.js'
import { hex } from './server.js'

/** Of one peer, since the start. */
export interface PeerNumbers {
  /** etcd's id of it. */
  readonly memberId: string
  readonly connected: boolean
  readonly bytesSent: number
  readonly bytesReceived: number
  readonly sendsFailed: number
  readonly disconnects: number
}

const CALL = ['grpc_service', 'grpc_method', 'grpc_type']

export function readCalls(to: Register, tally: CallTally): void {
  const each = (read: (call: Tally) => number) => (): Sample[] =>
    [...tally.all()].map((call) => ({ labels: labelsOf(call), value: read(call) }))
  to.counters(
    'grpc_server_started_total',
    'Calls begun.',
    CALL,
    each((call) => call.started),
  )
  to.counters(
    'grpc_server_msg_received_total',
    'Messages that came in.',
    CALL,
    each((call) => call.received),
  )
  to.counters(
    'grpc_server_msg_sent_total',
    'Messages sent.',
    CALL,
    each((call) => call.sent),
  )
  to.counters('grpc_server_handled_total', 'Calls ended, by code.', [...CALL, 'grpc_code'], () =>
    [...tally.all()].flatMap(handled),
  )
  to.counters(
    'etcd_server_client_requests_total',
    'Calls begun, by what version the client says it has.',
    ['type', 'client_api_version'],
    () =>
      [...tally.byClient()].map(({ type, version, calls }) => ({
        labels: { type, client_api_version: version },
        value: calls,
      })),
  )
  to.counter(
    'etcd_network_client_grpc_received_bytes_total',
    "Bytes of clients' messages, JSON as it would be in protobuf.",
    () => tally.bytesReceived,
  )
  to.counter(
    'etcd_network_client_grpc_sent_bytes_total',
    'Bytes of messages to clients, JSON as it would be in protobuf.',
    () => tally.bytesSent,
  )
}

function labelsOf({ service, method, type }: Tally): Record<string, string> {
  return { grpc_service: service, grpc_method: method, grpc_type: type }
}

function handled(call: Tally): Sample[] {
  const samples: Sample[] = []
  for (const [code, value] of call.ended.entries())
    if (value !== undefined)
      samples.push({ labels: { ...labelsOf(call), grpc_code: goCodeName(code) }, value })
  return samples
}

export function readPeers(
  to: Register,
  memberId: string,
  peers: () => readonly PeerNumbers[],
): void {
  const each = (label: string, read: (peer: PeerNumbers) => number) => (): Sample[] =>
    peers().map((peer) => ({ labels: { [label]: hex(peer.memberId) }, value: read(peer) }))
  to.counters(
    'etcd_network_peer_sent_bytes_total',
    'Bytes of messages sent to this peer.',
    ['To'],
    each('To', (peer) => peer.bytesSent),
  )
  to.counters(
    'etcd_network_peer_received_bytes_total',
    'Bytes of messages from this peer.',
    ['From'],
    each('From', (peer) => peer.bytesReceived),
  )
  to.counters(
    'etcd_network_peer_sent_failures_total',
    'Messages to this peer that were dropped: no stream to it, or no room on it.',
    ['To'],
    each('To', (peer) => peer.sendsFailed),
  )
  const link = (read: (peer: PeerNumbers) => number) => (): Sample[] =>
    peers().map((peer) => ({
      labels: { Local: hex(memberId), Remote: hex(peer.memberId) },
      value: read(peer),
    }))
  to.gauges(
    'etcd_network_active_peers',
    'Whether our stream to this peer is up.',
    ['Local', 'Remote'],
    link((peer) => (peer.connected ? 1 : 0)),
  )
  to.counters(
    'etcd_network_disconnected_peers_total',
    'Times that our stream to this peer ended.',
    ['Local', 'Remote'],
    link((peer) => peer.disconnects),
  )
}
