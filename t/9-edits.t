#!/usr/bin/perl
# 9-edits - rules that a client's address completes: thousands of them, and addresses that want to be more
# SPDX-License-Identifier: BSD-2-Clause
use strict;
use warnings;
use Test::More;
use lib "$ENV{srcdir}/t/lib";
use Tamis::Filter;
use Tamis::Live qw(live_mta);

alarm 300;

my $rules = <<'RULES';
/^copy(\d+)@/      BCC $1@archive.example
/^nowhere(\d+)@/   BCC nowhere$1
/^hold(\d+)@/      HOLD reason $1
/^note((.|\n)*)@/  PREPEND X-Note: $1
RULES
my $fields = '/^X-Swap: (.*)/ REPLACE X-Swap: $1 was here ' . 'x' x 100 . "\n/^X-Go/ IGNORE\n";
my $filter = Tamis::Filter->new(files => { rules => $rules, fields => $fields },
    conf => "mode = enforce\nrecipient_restrictions = check_recipient_access pcre:rules\nheader_checks = pcre:fields\n")->start;

sub message_to {
    my ($mta, @rcpts) = @_;
    $mta->mail('<a@b.example>');
    $mta->rcpt(@$_) for @rcpts;
    $mta->data;
    my $reply = $mta->content("Subject: x\n\nbody\n");
    $mta->abort;
    return $reply;
}

my $mta = live_mta($filter, timeout => 120);
my $reply = message_to($mta, map { ["<copy$_\@example.org>"] } 1 .. 2000);
is $reply->{action}, 'continue', '2,000 recipients, each with a BCC of its own';
is_deeply [map { $_->{addr} } @{ $reply->{mods} }], [map { "<$_\@archive.example>" } 1 .. 2000], 'each is added once';
my ($rss) = do { local (@ARGV, $/) = '/proc/' . $filter->pid . '/statm'; <> =~ /^\d+ (\d+)/ };
cmp_ok $rss * 4, '<', 400_000, 'which takes no memory that grows with the square' or diag "$rss pages";

$reply = message_to($mta, map { ["<nowhere$_\@example.org>"] } 1 .. 50);
is_deeply $reply->{mods}, [], 'a BCC that is no address is skipped';
$reply = message_to($mta, ['<hold1@example.org>'], ['<hold2@example.org>']);
is_deeply [Tamis::Mta::edits($reply)], ['quarantine <hold1@example.org>: Recipient address reason 1'], 'of several HOLDs the first is told';
$reply = message_to($mta, ['<note@example.org>', '{rcpt_addr}' => "note a\nX-Evil: b\r\nX-Worse: c\n\td\@example.org"]);
is_deeply [Tamis::Mta::edits($reply)], ["insheader 0 X-Note:  a\n\tx-evil: b\n\tx-worse: c\n\td"],
    'a PREPEND adds one field, whatever is in the address';

# As many fields as are taken, each of them changed: done, and told of.
$mta->mail('<a@b.example>');
$mta->rcpt('<many@example.org>');
$mta->data;
$reply = $mta->content(("X-Swap: this\nX-Go: that\n" x 50_000) . "\nbody\n");
is $reply->{action}, 'continue', '100,000 fields that are changed';
is scalar(grep { $_->{name} =~ /^X-(?:Swap|Go)\z/ } @{ $reply->{mods} }), 100_000, 'each is';
$mta->abort;
$mta->quit;
is $filter->stop, 0, 'ends';
is_deeply [$filter->sql("SELECT d.action FROM decision AS d JOIN recipient AS r USING (id) WHERE r.address LIKE 'many@%'")],
    [{ action => 'accept' }], 'which is in the log';
my $id = ($filter->sql("SELECT id FROM recipient WHERE address LIKE 'many@%'"))[0]{id};
is_deeply [$filter->sql("SELECT op, value FROM header_edit WHERE id = $id")], [{ op => 'more', value => '100001' }],
    'with the number of changes, Authentication-Results being one';
like +($filter->command('explain', $id))[1], qr/and not logged, more : 100001$/m, 'explain tells';
unlike $filter->stderr, qr/Sanitizer|runtime error/, 'no sanitizer spoke';

done_testing;
