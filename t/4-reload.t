#!/usr/bin/perl
# 4-reload - policies change while mail flows: complete or not at all, and none is kept for ever
# SPDX-License-Identifier: BSD-2-Clause
use strict;
use warnings;
use Test::More;
use lib "$ENV{srcdir}/t/lib";
use Tamis::Guard qw(slurp spew wait_until);
use Tamis::Live qw(live_filter live_mta play status_of);

alarm 300;

# A file that changes
my $filter = live_filter(set => { reload_on_change => 'yes' });
my $conf = $filter->dir . '/milter.conf';
my $good = slurp($conf);
my $generation = sub { status_of($filter)->{policy}{generation} };
is $generation->(), 1, 'the first policy';
spew($conf, "$good# changed\n");
ok wait_until(20, sub { $generation->() == 2 }), 'a changed file is loaded';
ok $filter->wait_stderr(qr/reloaded \(a file changed\): generation 2, \d+ files/), 'and said so';
spew("$conf.new", "$good# renamed\n");
rename "$conf.new", $conf;
ok wait_until(20, sub { $generation->() == 3 }), 'a file that was replaced by rename';

# A bad one
my $mta = live_mta($filter);
spew($conf, "${good}no_such_parameter_at_all = BAD\nthis is no assignment\n");
ok wait_until(20, sub { status_of($filter)->{exit} == 1 }), 'a bad file: status says so';
my $status = status_of($filter);
is $status->{state}, 'degraded', 'degraded';
is $status->{policy}{generation}, 3, 'the policy before stays in force';
like $status->{reload}{first_error}, qr/milter[.]conf/, 'the first error is named';
ok $filter->wait_stderr(qr/reload refused \(a file changed\), generation 3 stays in force: \d+ error/),
    'and logged';
my ($reply, @texts) = play($mta, '<reject@example.org>', '<bob@example.org>');
is_deeply \@texts,
    ['554 5.7.1 <reject@example.org>: Recipient address rejected: 100% no: été', 'ok'], 'mail goes on as before';
my ($exit, $out, $err) = $filter->command('reload');
is $exit, 78, 'tamis reload: refused';
like "$out$err", qr/milter[.]conf:\d+: error: /, 'tamis reload: each problem with its place';
unlink $conf;
spew($conf, $good);
ok wait_until(20, sub { status_of($filter)->{exit} == 0 }), 'mended: fine again';
my $said = () = $filter->stderr =~ /reload refused \(a file changed\)/g;
is $said, 1, 'the bad file was said once';
$mta->quit;

# Many reloads, many messages: every connection has one policy, whole.
my @connections = map { live_mta($filter) } 1 .. 8;
my $wrong = 0;
for my $round (1 .. 60) {
    $filter->signal($round % 2 ? 'USR1' : 'HUP');
    for my $slot (0 .. $#connections) {
        ($reply, @texts) = play($connections[$slot], '<reject@example.org>', '<prep@example.org>');
        $wrong++ if $texts[0] !~ /^554 / || $texts[1] ne 'ok' || $reply->{action} ne 'continue'
            || join(' ', Tamis::Mta::edits($reply)) ne 'insheader 0 X-A:b';
        next if ($round + $slot) % 3;
        $connections[$slot]->quit;
        $connections[$slot] = live_mta($filter);
    }
}
is $wrong, 0, 'reloads under load: 480 messages, each judged as it should be';
$_->quit for @connections;
ok wait_until(20, sub { !status_of($filter)->{connections}{now} }), 'no connection is left';
is $filter->stop, 0, 'ends';
unlike $filter->stderr, qr/Sanitizer|runtime error/, 'no sanitizer spoke';

done_testing;
