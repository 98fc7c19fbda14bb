// The text of a message while it grows: deltas by their offset, repeated, late or after a gap.

/** Unicode code points: what the server counts offsets and lengths in. */
export function lengthOf(text) {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}

function afterCodePoints(text, count) {
  let index = 0;
  for (; count > 0 && index < text.length; count -= 1) {
    index += text.codePointAt(index) > 0xffff ? 2 : 1;
  }
  return text.slice(index);
}

/** Put another text in place of what there was. */
export function replace(message, content) {
  if (message.content === content) return;
  if (!content.startsWith(message.content)) message.grown = null;
  message.content = content;
  message.length = lengthOf(content);
  message.revision += 1;
}

/** Append the waiting deltas that fit and keep those after a gap. */
export function drain(message) {
  message.waiting.sort((one, other) => one.offset - other.offset);
  while (message.waiting.length && message.waiting[0].offset <= message.length) {
    const { offset, text } = message.waiting.shift();
    join(message, offset === message.length ? "" : afterCodePoints(message.content, offset), text);
  }
}

/** Put `text` where `end`, the end of the message, begins: most often `end` is empty. */
function join(message, end, text) {
  if (end.startsWith(text)) return; // a repeated frame
  if (text.startsWith(end)) {
    const added = text.slice(end.length);
    message.content += added;
    message.length += lengthOf(added);
    return;
  }
  // An answer that began anew after a worker was lost, and went another way.
  replace(message, message.content.slice(0, message.content.length - end.length) + text);
}
