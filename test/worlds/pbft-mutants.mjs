/** Bugs to plant in PBFT's core: the world to look in, the file below src/consensus/pbft, and what becomes of which text. */
export const PBFT_MUTANTS = [
  {
    name: 'not-the-highest-view',
    world: 'three-views',
    file: 'new-view.ts',
    edits: [['known.view < proposed.view', 'known.view > proposed.view']],
  },
  {
    name: 'prepared-set-missing',
    world: 'lying-backup',
    file: 'view-change.ts',
    edits: [['slot.index > s.stable.index) prepared', 'slot.index < s.stable.index) prepared']],
  },
  {
    name: 'proposals-not-compared',
    world: 'lying-successor',
    file: 'new-view.ts',
    edits: [[' || digest !== digests[i])', ')']],
  },
  {
    name: 'proposals-not-counted',
    world: 'lying-successor',
    file: 'new-view.ts',
    edits: [['m.proposals.length !== digests.length', 'm.proposals.length > digests.length']],
  },
  {
    name: 'new-view-senders-not-deduplicated',
    world: 'lying-successor',
    file: 'new-view.ts',
    edits: [['!areDistinctReplicas(m.viewChanges, replicas)', 'm.viewChanges.length === 0']],
  },
  {
    name: 'new-view-of-fewer-than-q',
    world: 'lying-successor',
    file: 'new-view.ts',
    edits: [['m.viewChanges.length < quorum(replicas.length)', 'm.viewChanges.length === 0']],
  },
  {
    name: 'certificate-signers-not-deduplicated',
    world: 'lying-successor',
    file: 'proofs.ts',
    edits: [['!areDistinctReplicas(statements, rules.replicas)', 'statements.length === 0']],
  },
  {
    name: 'certificate-digests-not-compared',
    world: 'lying-primary',
    file: 'proofs.ts',
    edits: [['prepares.every((prepare) => isSameSlot(prepare, proposed))', 'prepares.length > 0']],
  },
  {
    name: 'commits-of-a-batch-not-compared',
    world: 'lying-primary',
    file: 'proofs.ts',
    edits: [['commits.every((c) => isSameSlot(c, first))', 'commits.length > 0']],
  },
  {
    name: 'proposal-of-a-backup-accepted',
    world: 'lying-backup',
    file: 'ordering.ts',
    edits: [['sender !== primary(s) || sender === s.id)', 'sender === s.id)']],
  },
  {
    name: 'new-view-of-a-backup-accepted',
    world: 'lying-backup',
    file: 'new-view.ts',
    edits: [['m.sender !== primaryOf(replicas, m.view)', '!replicas.includes(m.sender)']],
  },
  {
    name: 'quorum-of-2f+1',
    world: 'six',
    file: 'quorum.ts',
    edits: [['Math.ceil((n + faultsMax(n) + 1) / 2)', '2 * faultsMax(n) + 1']],
  },
  {
    name: 'quorum-of-f+1',
    world: 'lying-primary',
    file: 'quorum.ts',
    edits: [['Math.ceil((n + faultsMax(n) + 1) / 2)', 'faultsMax(n) + 1']],
  },
  {
    name: 'prepares-keyed-without-digest',
    world: 'lying-primary',
    file: 'slot.ts',
    edits: [['      vote.digest === proposed.digest &&\n', '']],
  },
  {
    name: 'commits-keyed-without-digest',
    world: 'lying-primary',
    file: 'slot.ts',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is a template there
    edits: [[' ${commit.digest}`', '`']],
  },
  {
    name: 'prepare-of-the-primary-counted',
    world: 'lying-primary',
    file: 'slot.ts',
    edits: [[' &&\n      vote.sender !== proposed.sender,', ',']],
  },
  {
    name: 'second-proposal-accepted',
    world: 'lying-primary',
    file: 'ordering.ts',
    edits: [
      ['slot.proposed !== null && slot.proposed.view === view', 'slot.proposed?.view === -1'],
      ['slot.preparedIn === s.view || ', ''],
    ],
  },
  {
    name: 'batch-of-another-digest-accepted',
    world: 'lying-primary',
    file: 'ordering.ts',
    edits: [['digestOf(s, batch) !== proposed.digest', 'digestOf(s, batch) === ""']],
  },
  {
    name: 'batch-of-another-digest-executed',
    world: 'lying-backup',
    file: 'status.ts',
    edits: [[' || digestOf(s, m.batch) !== first.digest)', ')']],
  },
  {
    name: 'votes-in-a-view-that-it-left',
    world: 'lying-primary',
    file: 'ordering.ts',
    edits: [
      ["  if (m.view < s.view) return out.note({ ...about, event: 'stale-message' })\n", ''],
      [
        'proposed === null || !s.active || proposed.view !== s.view) return',
        'proposed === null) return',
      ],
      ['slot.committedIn === s.view || ', 'slot.committedIn === proposed.view || '],
      ['slot.committedIn = s.view', 'slot.committedIn = proposed.view'],
    ],
  },
]
