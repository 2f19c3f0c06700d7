#!/usr/bin/perl
# 9-log - whatever happens to the log's file while mail flows, the mail is answered, and at once
# SPDX-License-Identifier: BSD-2-Clause
use strict;
use warnings;
use Test::More;
use lib "$ENV{srcdir}/t/lib";
use Tamis::Guard qw(spew temp_dir wait_until);
use Tamis::Live qw(live_filter live_mta play status_of);

alarm 300;

my $filter = live_filter(set => { log_queue_limit => 50 });
my $log = $filter->log_file;
my $mta = live_mta($filter);

sub mail_flows {
    my ($name, $count) = @_;
    my $wrong = 0;
    for (1 .. $count) {
        my ($reply, @texts) = play($mta, '<reject@example.org>', '<bob@example.org>');
        $wrong++ if $reply->{action} ne 'continue' || $texts[0] !~ /^554 5[.]7[.]1 / || $texts[1] ne 'ok';
    }
    return is $wrong, 0, "$name: mail is answered";
}

sub log_is {
    my ($name, $pattern) = @_;
    return ok wait_until(30, sub { my $l = status_of($filter)->{log}; $pattern->($l) }), $name;
}

sub heals {
    my ($name) = @_;
    my $written = status_of($filter)->{log}{written};
    play($mta, '<bob@example.org>');
    return log_is("$name: written again", sub { $_[0]{healthy} && $_[0]{written} > $written && !$_[0]{queued} });
}

sub trouble {
    my ($name, $text) = @_;
    mail_flows($name, 120);
    return log_is("$name: status says why", sub { !$_[0]{healthy} && $_[0]{last_error} =~ $text });
}

sub limit_files {
    my ($bytes) = @_;
    return system('prlimit', '--pid', $filter->pid, "--fsize=$bytes:") == 0;
}

mail_flows('as usual', 10);
log_is('written', sub { $_[0]{written} == 10 });

SKIP: {
    skip 'no prlimit', 3 if !limit_files('unlimited');
    limit_files(20000);
    trouble('a limit on the size of files', qr/File too large/);
    limit_files('unlimited');
    heals('a limit on the size of files');
}
unlink glob "$log*";
mail_flows('removed', 30);
heals('removed');
for my $kind ('a directory', 'a FIFO', 'a device') {
    my $earlier = status_of($filter)->{log}{errors};
    unlink glob "$log*";
    $kind eq 'a directory' ? mkdir $log : $kind eq 'a FIFO' ? system('mkfifo', $log) : symlink('/dev/full', $log);
    mail_flows($kind, 60);
    log_is("$kind: noted", sub { $_[0]{errors} > $earlier && $_[0]{last_error} =~ /not a regular file/ });
    rmdir $log if !unlink $log;
    heals($kind);
}
for my $part ('-wal', '-shm') {
    my $earlier = status_of($filter)->{log}{errors};
    unlink "$log$part";
    mail_flows("log.db$part removed", 20);
    heals("log.db$part removed");
    log_is("log.db$part removed: noted", sub { $_[0]{errors} > $earlier && $_[0]{last_error} =~ /$part was removed/ });
}
for my $part ('-shm', '-wal', '') {
    for my $size (0, 10) {
        play($mta, '<bob@example.org>');
        truncate "$log$part", $size;
        mail_flows("log.db$part cut to $size bytes", 20);
        heals("log.db$part cut to $size bytes");
    }
}
spew($log, "\xa5" x 81920);
mail_flows('overwritten', 20);
heals('overwritten');
unlink glob "$log*";
rename $filter->dir, $filter->dir . '-moved';
mail_flows('its directory is gone', 60);
rename $filter->dir . '-moved', $filter->dir;
heals('its directory is gone');
$mta->quit;
is $filter->stop, 0, 'ends';
for my $why ('not a regular file', '-wal was removed', '-shm was removed',
    'was cut short') {
    my $lines = () = $filter->stderr =~ /^tamis: warning: decision log: .*(?:$why)/mg;
    ok $lines >= 1 && $lines <= 5, "logged, and not each time: $why ($lines)";
}
unlike $filter->stderr, qr/Sanitizer|runtime error/, 'no sanitizer spoke';

# A disk that gives up, and one that the kernel has made read-only below the open files.
my $disk = temp_dir() . '/disk';
$filter = live_filter(set => { log_queue_limit => 50 },
    env => { ASAN_OPTIONS => join(':', $ENV{ASAN_OPTIONS} // (), 'verify_asan_link_order=0'),
        LD_PRELOAD => "$ENV{builddir}/t/lib/broken_disk.so", BROKEN_DISK => $disk });
$log = $filter->log_file;
$mta = live_mta($filter);
mail_flows('before', 10);
log_is('before: written', sub { $_[0]{written} == 10 });
for my $case (['EIO', qr/disk I\/O error: Input\/output error/], ['EROFS', qr/readonly database|Read-only file system/],
    ['read', qr/disk I\/O error/]) {
    my ($word, $text) = @$case;
    my $dropped = status_of($filter)->{log}{dropped};
    spew($disk, $word);
    $word eq 'read' ? mail_flows($word, 120) : trouble($word, $text);
    log_is("$word: what was not logged is counted", sub { $_[0]{dropped} > $dropped }) if $word ne 'read';
    unlink $disk;
    heals($word);
}
log_is('each decision is written or counted', sub { $_[0]{written} + $_[0]{dropped} == $_[0]{offered} });
$mta->quit;
is $filter->stop, 0, 'ends';
my %said;
$said{$_}++ for $filter->stderr =~ /^tamis: warning: decision log: (.*)/mg;
ok !(grep { $_ > 3 } values %said), 'logged, and not each time' or diag explain \%said;
ok !(glob "$log.corrupt-*"), 'nothing was taken for damaged';

done_testing;
