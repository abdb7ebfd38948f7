import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { bdi, element, find } from '../../static/chatapi/ui/dom.js';

test('properties, attributes, data and listeners', () => {
  const click = mock.fn();
  const button = element('button', {
    class: 'button',
    type: 'button',
    role: 'tab',
    title: null,
    'aria-label': 'Send',
    for: 'field',
    data: { id: '7' },
    on: { click },
  });
  assert.equal(button.tagName, 'BUTTON');
  assert.deepEqual([button.className, button.type, button.dataset.id], ['button', 'button', '7']);
  assert.deepEqual(button.attributes, { role: 'tab', 'aria-label': 'Send', for: 'field' });
  assert.ok(!('title' in button));
  button.dispatchEvent(new Event('click'));
  assert.equal(click.mock.callCount(), 1);
});

test('children are text or nodes, and nothing else becomes one', () => {
  const node = element('p', {}, 'a', null, [false, '<b>'], undefined, bdi('c'), 0);
  assert.deepEqual(node.children.slice(0, 2), ['a', '<b>']);
  assert.equal(node.children[2].tagName, 'BDI');
  assert.equal(node.textContent, 'a<b>c0');
});

test('find throws for what the page lacks', () => {
  const found = element('p');
  assert.equal(find('p', { querySelector: () => found }), found);
  assert.throws(() => find('#missing'), /The page has no #missing/);
});
