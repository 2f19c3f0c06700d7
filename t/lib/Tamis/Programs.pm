# Tamis::Programs - where Postfix, nsd and opendmarc are: installed, or unpacked by bootstrap
# SPDX-License-Identifier: BSD-2-Clause
package Tamis::Programs;

use strict;
use warnings;

use Exporter qw(import);
use File::Spec;
use Tamis::Guard qw(run_command);

our @EXPORT_OK = qw(postfix_programs postfix_missing postfix_accounts server_file server_program
    server_missing);

my ($programs, $missing);

# A hash: command_directory, daemon_directory, shlib_directory, mail_version, library_path (for
# LD_LIBRARY_PATH; empty for an installed Postfix), pcre (path of the plugin, or undef). The tree
# named by TAMIS_POSTFIX ("/" is the system) is used and nothing else; without it the system's
# Postfix, then var/postfix in the build and the source tree. undef if there is none.
sub postfix_programs {
    return $programs if $programs || defined $missing;
    my @trees = defined $ENV{TAMIS_POSTFIX} ? $ENV{TAMIS_POSTFIX}
        : ('/', map { "$_/var/postfix" } places());

    for my $tree (@trees) {
        $tree =~ s{/\z}{};
        my ($postconf) = grep { -x } map { "$tree$_/postconf" } qw(/usr/sbin /usr/local/sbin);
        next if !$postconf;
        return $programs if $programs = read_programs($tree, $postconf);
    }
    $missing = 'no Postfix in ' . join(', ', map { length ? $_ : '/' } @trees)
        . ' (./bootstrap check unpacks one)';
    return undef;
}

# Where var/ may be: absolute, because the programs are run from other directories, too.
sub places {
    return map { File::Spec->rel2abs($_) } (grep { defined } @ENV{qw(builddir srcdir)}), '.';
}

sub read_programs {
    my ($tree, $postconf) = @_;
    my @names = qw(command_directory daemon_directory shlib_directory mail_version);
    my $libraries = length $tree ? "$tree/usr/lib/postfix" : '';
    my ($status, $out) = run_command([$postconf, '-d', @names],
        env => length $libraries ? { LD_LIBRARY_PATH => $libraries } : {});
    my %found = $out =~ /^(\w+) = (.*)$/mg;

    return undef if $status != 0 || grep { !defined $found{$_} } @names;
    $found{$_} = $tree . $found{$_} for grep { /_directory\z/ } @names;
    $found{library_path} = $libraries;
    my @plugins = ("$found{shlib_directory}/postfix-pcre.so",
        map { "$_/var/postfix/usr/lib/postfix/postfix-pcre.so" } places());
    ($found{pcre}) = grep { -r } @plugins;
    return \%found;
}

# Why a test of a real Postfix cannot run here, for skip_all; undef if it can. Where
# TAMIS_POSTFIX promises a Postfix this dies instead, so that nothing is left out unseen.
sub postfix_missing {
    my $why = $> != 0 ? 'Postfix can be started by root only'
        : !postfix_programs() ? $missing
        : undef;
    die "$why\n" if defined $why && defined $ENV{TAMIS_POSTFIX};
    return $why;
}

# The path of a program of another server's, nsd or opendmarc: of the system, or of a tree
# var/servers that bootstrap unpacked, named by TAMIS_SERVERS or in the build and the source tree.
# undef if there is none.
sub server_program {
    my ($name) = @_;
    my ($program) = grep { -x } map { ("$_/usr/sbin/$name", "$_/usr/local/sbin/$name") }
        '', server_trees();

    return $program;
}

sub server_trees {
    return defined $ENV{TAMIS_SERVERS} ? $ENV{TAMIS_SERVERS} : map { "$_/var/servers" } places();
}

# The path of a file of theirs in an unpacked tree, named as it would be below /; undef if there is
# none. For what is never taken from the system: Sendmail.
sub server_file {
    my ($name) = @_;
    my ($path) = grep { -e } map { "$_/$name" } server_trees();

    return $path;
}

# Why a test of that program cannot run here, for skip_all; undef if it can. Dies instead where
# TAMIS_SERVERS promises it.
sub server_missing {
    my ($name) = @_;
    return undef if defined server_program($name);
    my $why = "no $name here (./bootstrap check unpacks one)";
    die "$why\n" if defined $ENV{TAMIS_SERVERS};
    return $why;
}

# (mail_owner, setgid_group, default_privs): Postfix's own accounts, or some that exist here and
# that its start-up checks take: no root, no id shared with another name or among the three.
sub postfix_accounts {
    return qw(postfix postdrop nobody)
        if getpwnam('postfix') && getgrnam('postdrop') && getpwnam('nobody');
    my ($nobody, $nogroup) = (getpwnam 'nobody')[2, 3];
    my ($owner) = grep { account_fits($_, $nobody, $nogroup) }
        qw(daemon mail news uucp www-data proxy lp man games bin);
    die "no account here can be Postfix's mail_owner\n" if !defined $nobody || !defined $owner;
    my $owner_group = (getpwnam $owner)[3];
    my ($group) = grep { group_fits($_, $owner_group, $nogroup) }
        qw(mail uucp lp news dialout audio games users man);
    die "no group here can be Postfix's setgid_group\n" if !defined $group;
    return ($owner, $group, 'nobody');
}

sub account_fits {
    my ($name, $nobody, $nogroup) = @_;
    my ($user, $group) = (getpwnam $name)[2, 3];
    return $user && $group && $user != $nobody && $group != $nogroup
        && getpwuid($user) eq $name;
}

sub group_fits {
    my ($name, @taken) = @_;
    my $group = getgrnam $name;
    return $group && getgrgid($group) eq $name && !grep { $_ == $group } @taken;
}

1;
