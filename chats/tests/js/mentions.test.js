import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Members, membersNamed, mentionsIn, nameBeingWritten } from '../../static/chats/inbox/mentions.js';

const BOB = { id: 1, name: 'Bob Baker' };
const BOBBY = { id: 2, name: 'Bob Bakersfield' };
const JOSE = { id: 3, name: 'José Núñez' };
const MEMBERS = [BOB, BOBBY, JOSE];

test('a name is being written after an @ at the start of a word', () => {
  const cases = [
    ['@', ''],
    ['Ask @bo', 'bo'],
    ['Ask @Bob Ba', 'Bob Ba'],
    ['(@jo', 'jo'],
    ['line\n@jo', 'jo'],
  ];
  for (const [text, name] of cases) assert.deepEqual(nameBeingWritten(text), { start: text.indexOf('@'), name });
  for (const text of ['', 'bob', 'bob@example.test', '@Bob Baker said so', '@bob@', `@${'x'.repeat(41)}`])
    assert.equal(nameBeingWritten(text), null, text);
});

test('members are found by the start of any of their names, without accents and case', () => {
  const cases = [
    ['', MEMBERS],
    ['bo', [BOB, BOBBY]],
    ['BAKER', [BOB, BOBBY]],
    ['nun', [JOSE]],
    ['José N', [JOSE]],
    ['aker', []],
  ];
  for (const [start, found] of cases) assert.deepEqual(membersNamed(MEMBERS, start), found);
});

test('mentions are the longest names after an @', () => {
  const cases = [
    ['Hello', []],
    ['Bob Baker', []],
    ['@Bob Baker, see this', [1]],
    ['@Bob Bakersfield', [2]],
    ['@Bob Bakersfield and @Bob Baker', [2, 1]],
    ['@José Núñez @José Núñez', [3]],
    ['@bob baker', []],
  ];
  for (const [text, ids] of cases) assert.deepEqual(mentionsIn(text, MEMBERS), ids, text);
});

test('a mention is a whole word', () => {
  const members = [
    { id: 1, name: 'Max' },
    { id: 2, name: 'info' },
    { id: 3, name: 'A. (B) C+' },
  ];
  const cases = [
    ['@Maxwell', []],
    ['@Max2', []],
    ['@Max\u0301', []],
    ['billing@info.example', []],
    ['@Max@info', [1]],
    ['@Max.', [1]],
    ['(@Max)', [1]],
    ['@info\n@Max', [2, 1]],
    ['@A. (B) C+, please', [3]],
    ['@AX (B) CC', []],
  ];
  for (const [text, ids] of cases) assert.deepEqual(mentionsIn(text, members), ids, text);
});

test('of members with the same name, the one chosen last is mentioned', () => {
  const members = [BOB, { id: 4, name: 'Bob Baker' }, JOSE];
  const cases = [
    [[], [1]],
    [[4], [4]],
    [[4, 3, 1], [1]],
    [[1, 4, 1, 4], [4]],
  ];
  for (const [chosen, ids] of cases) assert.deepEqual(mentionsIn('@Bob Baker', members, chosen), ids);
});

test('all active members are loaded, once unless it fails', async () => {
  const pages = [
    { data: [{ ...BOB, status: 'active' }], next_cursor: 'second' },
    {
      data: [
        { ...JOSE, status: 'active' },
        { ...BOBBY, status: 'invited' },
      ],
      next_cursor: null,
    },
  ];
  const paths = [];
  const answers = [new Error('down'), ...pages];
  const get = async (path) => {
    paths.push(path);
    const answer = answers.shift();
    if (answer instanceof Error) throw answer;
    return answer;
  };
  const members = new Members({ get }, 7);
  assert.deepEqual(members.mentionedIn('Write to bob@acme.test', []), []);
  assert.equal(members.mentionedIn('@Bob Baker', []), null);
  await assert.rejects(members.load());
  await Promise.all([members.load(), members.load()]);
  await members.load();
  assert.deepEqual(paths.slice(1), [
    '/api/companies/7/users?per_page=249',
    '/api/companies/7/users?per_page=249&cursor=second',
  ]);
  assert.deepEqual(members.mentionedIn('@Bob Baker and @José Núñez', []), [3, 1]);
});
